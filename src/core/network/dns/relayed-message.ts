// A message from an upstream server: checked against what was asked, measured for the cache (RFC 2181, RFC 2308), and
// cut before its OPT record, which is between it and us.
import { FLAG, RCODE, TYPE } from "./constants.ts";
import { skipName } from "./query.ts";

export interface RelayedMessage {
  /** The message without OPT and what follows it. */
  readonly bytes: Buffer;
  readonly rcode: number;
  readonly truncated: boolean;
  /** Offsets of the TTL fields. */
  readonly ttlOffsets: readonly number[];
  /** Seconds it may be kept; 0: not at all. */
  readonly ttl: number;
  /** Where the question ends: the length of a truncated answer. */
  readonly questionEnd: number;
}

const maxTtl = 3600;
const maxNegativeTtl = 300;

/** Undefined where the message is malformed or answers something else than `query` (its id and question). */
export function readRelayed(message: Buffer, query: Buffer): RelayedMessage | undefined {
  const end = message.length;
  if (end < 12 || message[0] !== query[0] || message[1] !== query[1]) return undefined;
  const flags = message.readUInt16BE(2);
  if (!(flags & FLAG.QR) || message.readUInt16BE(4) !== 1) return undefined;
  const nameEnd = skipName(message, 12, end);
  if (nameEnd < 0 || nameEnd + 4 > end || !sameName(message, query, nameEnd)) return undefined;
  let rcode = flags & 15;
  const ttlOffsets: number[] = [];
  let answerTtl = maxTtl;
  let negativeTtl = 0;
  let p = nameEnd + 4;
  let cut = end;
  const counts = [message.readUInt16BE(6), message.readUInt16BE(8), message.readUInt16BE(10)];
  const kept = [0, 0, 0];
  walk: for (const [section, count] of counts.entries())
    for (let i = 0; i < count; i++) {
      const name = skipName(message, p, end);
      if (name < 0 || name + 10 > end) return undefined;
      const type = message.readUInt16BE(name);
      const next = name + 10 + message.readUInt16BE(name + 8);
      if (next > end) return undefined;
      if (type === TYPE.OPT) {
        rcode |= message[name + 4]! << 4;
        cut = p;
        break walk;
      }
      const ttl = Math.min(message.readUInt32BE(name + 4), 0x7fffffff);
      ttlOffsets.push(name + 4);
      kept[section]!++;
      if (section === 0) answerTtl = Math.min(answerTtl, ttl);
      if (section === 1 && type === TYPE.SOA && next - 4 >= name + 10)
        negativeTtl = Math.min(ttl, message.readUInt32BE(next - 4), maxNegativeTtl);
      p = next;
      cut = next;
    }
  if (counts[0] === 0 && counts[1] === 0 && counts[2] === 0) cut = nameEnd + 4;
  const bytes = Buffer.from(message.subarray(0, cut));
  for (const [i, n] of kept.entries()) bytes.writeUInt16BE(n, 6 + 2 * i);
  const truncated = (flags & FLAG.TC) !== 0;
  const positive = rcode === RCODE.NOERROR && kept[0]! > 0;
  const negative = (rcode === RCODE.NOERROR && kept[0] === 0) || rcode === RCODE.NXDOMAIN;
  const ttl = truncated ? 0 : positive ? answerTtl : negative ? negativeTtl : 0;
  return { bytes, rcode, truncated, ttlOffsets, ttl, questionEnd: nameEnd + 4 };
}

/** The question must be the one we asked, letter for letter but for case. */
function sameName(message: Buffer, query: Buffer, nameEnd: number): boolean {
  if (query.length < nameEnd + 4) return false;
  for (let i = 12; i < nameEnd; i++) {
    const a = message[i]!;
    const b = query[i]!;
    if (a !== b && !((a ^ b) === 32 && (a | 32) >= 97 && (a | 32) <= 122)) return false;
  }
  return message.compare(query, nameEnd, nameEnd + 4, nameEnd, nameEnd + 4) === 0;
}
