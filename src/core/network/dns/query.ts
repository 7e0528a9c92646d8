// A query as it arrived: checked and measured in place, copying nothing (RFC 1035 section 4, RFC 6891 section 6).
import { RCODE, TYPE } from "./constants.ts";

/** What came of reading a message: a query, nothing to answer, or an rcode to refuse it with. */
export type ParseResult = "query" | "ignore" | "formerr" | "notimp" | "badvers";

/** One view is reused for every message; read what you need before the next `parse`. */
export interface QueryView {
  /** The message itself. */
  bytes: Buffer;
  flags: number;
  /** Offset after the question's name. */
  nameEnd: number;
  type: number;
  class: number;
  hasEdns: boolean;
  /** Bytes that the client takes in one UDP answer; 512 without EDNS. */
  udpSize: number;
  dnssecOk: boolean;
}

export const createQueryView = (): QueryView => ({
  bytes: Buffer.alloc(0),
  flags: 0,
  nameEnd: 0,
  type: 0,
  class: 0,
  hasEdns: false,
  udpSize: 512,
  dnssecOk: false,
});

/** Offset after the name at `at`, or -1. Compression pointers end a name; they are not followed. */
export function skipName(bytes: Buffer, at: number, end: number): number {
  let p = at;
  for (let labels = 0; labels < 128; labels++) {
    if (p >= end) return -1;
    const length = bytes[p]!;
    if (length === 0) return p + 1;
    if (length >= 0xc0) return p + 2 <= end ? p + 2 : -1;
    if (length > 63) return -1;
    p += length + 1;
    if (p - at > 254) return -1;
  }
  return -1;
}

export function parseQuery(view: QueryView, bytes: Buffer): ParseResult {
  const end = bytes.length;
  if (end < 12) return "ignore";
  const flags = (bytes[2]! << 8) | bytes[3]!;
  // Answering an answer would make a loop.
  if (flags & 0x8000) return "ignore";
  view.bytes = bytes;
  view.flags = flags;
  view.nameEnd = 12;
  view.hasEdns = false;
  view.udpSize = 512;
  view.dnssecOk = false;
  if ((flags >> 11) & 15) return "notimp";
  if (bytes[4] !== 0 || bytes[5] !== 1) return "formerr";
  // A question's name has nothing before it to point to.
  let p = 12;
  for (;;) {
    if (p >= end) return "formerr";
    const length = bytes[p]!;
    if (length === 0) break;
    if (length > 63) return "formerr";
    p += length + 1;
    if (p - 12 > 254) return "formerr";
  }
  p++;
  if (p + 4 > end) return "formerr";
  view.nameEnd = p;
  view.type = (bytes[p]! << 8) | bytes[p + 1]!;
  view.class = (bytes[p + 2]! << 8) | bytes[p + 3]!;
  return parseRest(view, p + 4);
}

/** The sections after the question; only an OPT record says anything there. */
function parseRest(view: QueryView, at: number): ParseResult {
  const { bytes } = view;
  const end = bytes.length;
  const others = ((bytes[6]! << 8) | bytes[7]!) + ((bytes[8]! << 8) | bytes[9]!);
  const records = others + ((bytes[10]! << 8) | bytes[11]!);
  let p = at;
  let badVersion = false;
  for (let i = 0; i < records; i++) {
    const name = skipName(bytes, p, end);
    if (name < 0 || name + 10 > end) return "formerr";
    const type = (bytes[name]! << 8) | bytes[name + 1]!;
    const next = name + 10 + ((bytes[name + 8]! << 8) | bytes[name + 9]!);
    if (next > end) return "formerr";
    if (type === TYPE.OPT && i >= others) {
      if (view.hasEdns || bytes[p] !== 0) return "formerr";
      view.hasEdns = true;
      view.udpSize = Math.max(512, (bytes[name + 2]! << 8) | bytes[name + 3]!);
      badVersion = bytes[name + 5] !== 0;
      view.dnssecOk = (bytes[name + 6]! & 0x80) !== 0;
    }
    p = next;
  }
  return badVersion ? "badvers" : "query";
}

/** The rcode that answers a refused message. */
export const refusalCodes = {
  formerr: RCODE.FORMERR,
  notimp: RCODE.NOTIMP,
  badvers: RCODE.BADVERS,
} as const;

/** The question's name in lower case, labels in order, one character a byte. */
export function questionLabels(view: QueryView): string[] {
  const labels: string[] = [];
  for (let p = 12; view.bytes[p]! > 0; p += view.bytes[p]! + 1)
    labels.push(view.bytes.toString("latin1", p + 1, p + 1 + view.bytes[p]!).toLowerCase());
  return labels;
}
