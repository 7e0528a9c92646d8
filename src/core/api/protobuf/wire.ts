// Protobuf's wire format: tags, varints and lengths out of bytes (protobuf.dev, "Encoding").

/** Bytes that are no protobuf; the message says why, as Go's generated code words it. */
export class WireError extends Error {
  override readonly name = "WireError";
}

const utf8 = new TextDecoder("utf-8", { fatal: false });

export class WireReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new WireError("unexpected EOF");
    return this.#bytes[this.#at++]!;
  }

  /** A varint as a signed 64-bit integer; exact up to 2^53. */
  varint(): number {
    let low = 0;
    for (let i = 0, unit = 1; i < 7; i++, unit *= 128) {
      const b = this.#byte();
      low += (b & 0x7f) * unit;
      if (b < 0x80) return low;
    }
    // More than 49 bits: rare, so exact and slow.
    let big = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const b = this.#byte();
      big |= BigInt(b & 0x7f) << shift;
      if (b < 0x80) return Number(BigInt.asIntN(64, big));
    }
    throw new WireError("proto: integer overflow");
  }

  tag(): { number: number; type: number } {
    const tag = this.varint();
    const number = Math.floor(tag / 8);
    if (number <= 0 || number > 0x1fffffff)
      throw new WireError(`proto: illegal tag ${number} (wire type ${tag % 8})`);
    return { number, type: tag % 8 };
  }

  #length(): number {
    const n = this.varint();
    if (n < 0) throw new WireError("proto: negative length found during unmarshaling");
    if (n > this.#end - this.#at) throw new WireError("unexpected EOF");
    return n;
  }

  /** A length-delimited field as a reader of its own. */
  message(): WireReader {
    const n = this.#length();
    this.#at += n;
    return new WireReader(this.#bytes, this.#at - n, this.#at);
  }

  bytes(): Buffer {
    const n = this.#length();
    this.#at += n;
    return Buffer.from(this.#bytes.subarray(this.#at - n, this.#at));
  }

  string(): string {
    const n = this.#length();
    this.#at += n;
    return utf8.decode(this.#bytes.subarray(this.#at - n, this.#at));
  }

  double(): number {
    if (this.#end - this.#at < 8) throw new WireError("unexpected EOF");
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8);
    this.#at += 8;
    return view.getFloat64(0, true);
  }

  skip(type: number): void {
    if (type === 0) this.varint();
    else if (type === 1) this.double();
    else if (type === 2) this.message();
    else if (type === 5) for (let i = 0; i < 4; i++) this.#byte();
    else throw new WireError(`proto: illegal wireType ${type}`);
  }
}
