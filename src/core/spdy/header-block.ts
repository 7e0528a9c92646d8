// Header blocks of SPDY/3: names and values with their lengths, in one zlib stream a direction that goes on from frame to
// frame. What is sent is stored, not compressed (streams have a handful of short headers); what comes may be either.
import { constants, inflateRawSync } from "node:zlib";
import { headerDictionary, headerDictionaryId } from "./header-dictionary.ts";

/** Lower-case names; several values of one name are joined by NUL on the wire. */
export type SpdyHeaders = Map<string, string>;

/** An empty stored block, which ends every flush: Go's inflater hands nothing on before it has seen one. */
const flushMark = Buffer.from("000000ffff", "hex");
const window = 32 * 1024;
const maxBlock = 64 * 1024;
const maxStored = 0xffff;

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function layOut(headers: SpdyHeaders): Buffer {
  const parts = [u32(headers.size)];
  for (const [name, value] of headers) {
    const n = Buffer.from(name.toLowerCase(), "utf8");
    const v = Buffer.from(value, "utf8");
    parts.push(u32(n.length), n, u32(v.length), v);
  }
  return Buffer.concat(parts);
}

function readHeaders(block: Buffer): SpdyHeaders {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new Error("a header block ends early");
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new Error("a header block ends early");
    at += length;
    return block.toString("utf8", at - length, at);
  };
  const headers: SpdyHeaders = new Map();
  for (let left = number(); left > 0; left--) {
    const name = text();
    headers.set(name, text());
  }
  return headers;
}

/** Turns headers into blocks of one zlib stream, in the order in which they are sent. */
export function createHeaderWriter(): (headers: SpdyHeaders) => Buffer {
  let begun = false;
  return (headers) => {
    const parts: Buffer[] = [];
    // CMF and FLG (deflate, 32 KiB window, dictionary follows), then the dictionary's id.
    if (!begun) parts.push(Buffer.of(0x78, 0xbb), u32(headerDictionaryId));
    begun = true;
    const block = layOut(headers);
    for (let at = 0; at < block.length; at += maxStored) {
      const piece = block.subarray(at, at + maxStored);
      const head = Buffer.alloc(5);
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(~piece.length & 0xffff, 3);
      parts.push(head, piece);
    }
    parts.push(flushMark);
    return Buffer.concat(parts);
  };
}

/** Reads blocks of one zlib stream, in the order in which they came. Throws on what cannot be read. */
export function createHeaderReader(): (block: Buffer) => SpdyHeaders {
  let begun = false;
  let history: Buffer = headerDictionary;
  return (block) => {
    let data = block;
    if (!begun) {
      if (data.length < 2 || (data[0]! & 0x0f) !== 8 || data.readUInt16BE(0) % 31 !== 0)
        throw new Error("a header block does not begin with a zlib header");
      const primed = (data[1]! & 0x20) !== 0;
      if (primed && (data.length < 6 || data.readUInt32BE(2) !== headerDictionaryId))
        throw new Error("a header block names an unknown dictionary");
      if (!primed) history = Buffer.alloc(0);
      data = data.subarray(primed ? 6 : 2);
      begun = true;
    }
    // Each block ends at a flush, so it can be inflated by itself when what came before is given as the dictionary.
    const plain = inflateRawSync(data, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxBlock,
      ...(history.length > 0 ? { dictionary: history } : {}),
    });
    const all = Buffer.concat([history, plain]);
    history = all.subarray(Math.max(0, all.length - window));
    return readHeaders(plain);
  };
}
