// Frames of SPDY/3.1 as data, their printer and an incremental parser (SPDY protocol draft 3.1, section 2.2 and 2.6).
import { createHeaderReader, createHeaderWriter, type SpdyHeaders } from "./header-block.ts";

export type Frame =
  | { kind: "syn-stream"; id: number; fin: boolean; headers: SpdyHeaders }
  | { kind: "syn-reply"; id: number; fin: boolean; headers: SpdyHeaders }
  | { kind: "headers"; id: number; fin: boolean; headers: SpdyHeaders }
  | { kind: "rst-stream"; id: number; status: number }
  | { kind: "ping"; id: number }
  | { kind: "go-away"; lastId: number; status: number }
  /** A long data frame is told in pieces as they come; `fin` is set on the last. */
  | { kind: "data"; id: number; fin: boolean; bytes: Buffer }
  /** SETTINGS, WINDOW_UPDATE and types unknown: read over. */
  | { kind: "other"; type: number };

const version = 3;
const types = {
  "syn-stream": 1,
  "syn-reply": 2,
  "rst-stream": 3,
  ping: 6,
  "go-away": 7,
  headers: 8,
} as const;
const finFlag = 1;
const maxControl = 128 * 1024;
const idMask = 0x7fffffff;
/** The most bytes that one data frame can carry. */
export const maxDataLength = 0xffffff;

function words(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    out.writeUInt32BE(value >>> 0, i * 4);
  });
  return out;
}

function control(type: number, flags: number, ...body: Buffer[]): Buffer {
  const length = body.reduce((n, b) => n + b.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(((flags << 24) | length) >>> 0, 4);
  return Buffer.concat([head, ...body]);
}

/** The eight bytes before a data frame's payload of `length` bytes. */
export function dataHead(id: number, fin: boolean, length: number): Buffer {
  return words(id & idMask, ((fin ? finFlag : 0) << 24) | length);
}

/** Prints frames in the order in which they are sent: header compression goes on from one to the next. */
export function createFrameWriter(): (frame: Exclude<Frame, { kind: "other" }>) => Buffer {
  const compress = createHeaderWriter();
  return (frame) => {
    const flags = "fin" in frame && frame.fin ? finFlag : 0;
    switch (frame.kind) {
      case "data":
        return Buffer.concat([dataHead(frame.id, frame.fin, frame.bytes.length), frame.bytes]);
      case "syn-stream":
        return control(
          types["syn-stream"],
          flags,
          words(frame.id, 0),
          Buffer.alloc(2),
          compress(frame.headers),
        );
      case "syn-reply":
      case "headers":
        return control(types[frame.kind], flags, words(frame.id), compress(frame.headers));
      case "rst-stream":
        return control(types["rst-stream"], 0, words(frame.id, frame.status));
      case "ping":
        return control(types.ping, 0, words(frame.id));
      case "go-away":
        return control(types["go-away"], 0, words(frame.lastId, frame.status));
    }
  };
}

/** Feed it what came; it tells the frames in it. Throws on what is not SPDY/3; nothing can be read after that. */
export function createFrameReader(): (chunk: Buffer) => Frame[] {
  const decompress = createHeaderReader();
  let rest: Buffer = Buffer.alloc(0);
  /** The data frame whose payload is being read. */
  let open: { id: number; fin: boolean; left: number } | undefined;

  function parseControl(type: number, flags: number, body: Buffer): Frame {
    const need = (length: number): void => {
      if (body.length < length) throw new Error(`a SPDY control frame of type ${type} is too short`);
    };
    const fin = (flags & finFlag) !== 0;
    switch (type) {
      case types["syn-stream"]:
        need(10);
        return {
          kind: "syn-stream",
          id: body.readUInt32BE(0) & idMask,
          fin,
          headers: decompress(body.subarray(10)),
        };
      case types["syn-reply"]:
      case types.headers: {
        need(4);
        const kind = type === types.headers ? "headers" : "syn-reply";
        return { kind, id: body.readUInt32BE(0) & idMask, fin, headers: decompress(body.subarray(4)) };
      }
      case types["rst-stream"]:
        need(8);
        return { kind: "rst-stream", id: body.readUInt32BE(0) & idMask, status: body.readUInt32BE(4) };
      case types.ping:
        need(4);
        return { kind: "ping", id: body.readUInt32BE(0) };
      case types["go-away"]:
        need(4);
        return {
          kind: "go-away",
          lastId: body.readUInt32BE(0) & idMask,
          status: body.length >= 8 ? body.readUInt32BE(4) : 0,
        };
      default:
        return { kind: "other", type };
    }
  }

  return (chunk) => {
    const frames: Frame[] = [];
    let input = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (;;) {
      if (open) {
        const bytes = input.subarray(0, open.left);
        if (bytes.length === 0 && open.left > 0) break;
        open.left -= bytes.length;
        input = input.subarray(bytes.length);
        frames.push({ kind: "data", id: open.id, fin: open.fin && open.left === 0, bytes });
        if (open.left === 0) open = undefined;
        continue;
      }
      if (input.length < 8) break;
      const first = input.readUInt32BE(0);
      const flags = input[4]!;
      const length = input.readUInt32BE(4) & 0xffffff;
      if ((first & 0x80000000) === 0) {
        open = { id: first & idMask, fin: (flags & finFlag) !== 0, left: length };
        input = input.subarray(8);
        continue;
      }
      if (((first >>> 16) & 0x7fff) !== version) throw new Error("the peer does not speak SPDY/3");
      if (length > maxControl) throw new Error(`a SPDY control frame of ${length} bytes is too long`);
      if (input.length < 8 + length) break;
      frames.push(parseControl(first & 0xffff, flags, input.subarray(8, 8 + length)));
      input = input.subarray(8 + length);
    }
    rest = input.length > 0 ? Buffer.from(input) : input;
    return frames;
  };
}
