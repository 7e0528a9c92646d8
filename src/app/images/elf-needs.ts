// The shared libraries an ELF file asks for (DT_NEEDED) and its loader (PT_INTERP), so that an image that lacks one is
// refused when it is built and not when it runs. System V ABI, 64-bit little-endian only; other files need nothing.

export interface ElfNeeds {
  readonly interpreter: string | undefined;
  readonly libraries: readonly string[];
}

const none: ElfNeeds = { interpreter: undefined, libraries: [] };

export function elfNeeds(file: Buffer): ElfNeeds {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return none;
  const at = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const headers = Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
    const p = at + i * size;
    return {
      type: file.readUInt32LE(p),
      offset: Number(file.readBigUInt64LE(p + 8)),
      address: Number(file.readBigUInt64LE(p + 16)),
      size: Number(file.readBigUInt64LE(p + 32)),
    };
  });
  const text = (offset: number): string => file.toString("latin1", offset, file.indexOf(0, offset));
  const inFile = (address: number): number => {
    const segment = headers.find((h) => h.type === 1 && address >= h.address && address < h.address + h.size);
    return segment ? address - segment.address + segment.offset : 0;
  };
  const interp = headers.find((h) => h.type === 3);
  const dynamic = headers.find((h) => h.type === 2);
  if (!dynamic) return none;
  let strings = 0;
  const names: number[] = [];
  for (let p = dynamic.offset; p < dynamic.offset + dynamic.size; p += 16) {
    const tag = Number(file.readBigUInt64LE(p));
    const value = Number(file.readBigUInt64LE(p + 8));
    if (tag === 0) break;
    if (tag === 1) names.push(value);
    if (tag === 5) strings = inFile(value);
  }
  return { interpreter: interp && text(interp.offset), libraries: names.map((n) => text(strings + n)) };
}
