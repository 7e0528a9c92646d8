// Writes a response in wire form: header, question, records, names compressed against everything before (RFC 1035 4.1.4).
import { parseIP } from "../../net/mod.ts";
import { CLASS, clusterTtl, TYPE } from "./constants.ts";
import type { RecordData, ResourceRecord } from "./record.ts";

export interface MessageParts {
  /** Name of the question in wire form, the root byte included. */
  readonly questionName: Buffer;
  readonly type: number;
  readonly class: number;
  readonly flags: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

export interface WrittenMessage {
  readonly bytes: Buffer;
  /** Where each record starts, and at last where the message ends. */
  readonly offsets: readonly number[];
}

/** Responses are at most this long, over TCP too. */
const limit = 65535;

/** The response with id 0. Records that do not fit any more are left out and TC is set. */
export function writeMessage(parts: MessageParts): WrittenMessage {
  const records = parts.answers.length + parts.authorities.length + parts.additional.length;
  let bytes = Buffer.alloc(Math.min(limit, 512 + records * 64));
  let at = 12;
  const known = new Map<string, number>();
  const offsets: number[] = [];

  const need = (n: number): boolean => {
    if (at + n > limit) return false;
    if (at + n > bytes.length) {
      const grown = Buffer.alloc(Math.min(limit, Math.max(at + n, bytes.length * 2)));
      bytes.copy(grown, 0, 0, at);
      bytes = grown;
    }
    return true;
  };
  const u16 = (v: number): void => {
    at = bytes.writeUInt16BE(v, at);
  };
  const u32 = (v: number): void => {
    at = bytes.writeUInt32BE(v, at);
  };
  const name = (text: string): void => {
    let rest = text;
    while (rest !== "") {
      const seen = known.get(rest);
      if (seen !== undefined) {
        u16(0xc000 | seen);
        return;
      }
      if (at < 0x3fff) known.set(rest, at);
      const dot = rest.indexOf(".");
      const label = dot < 0 ? rest : rest.slice(0, dot);
      bytes[at++] = label.length;
      at += bytes.write(label, at, "latin1");
      rest = dot < 0 ? "" : rest.slice(dot + 1);
    }
    bytes[at++] = 0;
  };
  const data = (d: RecordData): void => {
    if ("address" in d) at = writeAddress(bytes, at, d.address);
    else if (d.kind === "TXT") {
      bytes[at] = Buffer.byteLength(d.text, "latin1");
      at += 1 + bytes.write(d.text, at + 1, "latin1");
    } else if (d.kind === "SOA") {
      name(`ns.dns.${d.zone}`);
      name(`hostmaster.${d.zone}`);
      for (const v of [d.serial, 7200, 1800, 86400, clusterTtl]) u32(v);
    } else {
      if (d.kind === "SRV") for (const v of [0, d.weight, d.port]) u16(v);
      name(d.target);
    }
  };
  const record = (r: ResourceRecord): boolean => {
    // Two names of 255 bytes and fixed fields are the most that any of our records takes.
    if (!need(600)) return false;
    offsets.push(at);
    name(r.name);
    u16(TYPE[r.data.kind]);
    u16(CLASS.IN);
    u32(r.ttl);
    const lengthAt = at;
    at += 2;
    data(r.data);
    bytes.writeUInt16BE(at - lengthAt - 2, lengthAt);
    return true;
  };

  at += parts.questionName.copy(bytes, at);
  noteSuffixes(parts.questionName, known);
  u16(parts.type);
  u16(parts.class);
  let flags = parts.flags;
  const counts = [parts.answers, parts.authorities, parts.additional].map((section, i) => {
    const left = section.findIndex((r) => !record(r));
    if (left < 0) return section.length;
    if (i < 2) flags |= 0x0200;
    return left;
  });
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt16BE(1, 4);
  for (const [i, count] of counts.entries()) bytes.writeUInt16BE(count, 6 + 2 * i);
  offsets.push(at);
  return { bytes: Buffer.from(bytes.subarray(0, at)), offsets };
}

/** The question's own suffixes can be pointed to. A label with a dot in it would be mistaken for two: such a name is skipped. */
function noteSuffixes(name: Buffer, known: Map<string, number>): void {
  const labels: { text: string; at: number }[] = [];
  for (let p = 0; name[p]! > 0; p += name[p]! + 1) {
    const text = name.toString("latin1", p + 1, p + 1 + name[p]!).toLowerCase();
    if (text.includes(".")) return;
    labels.push({ text, at: 12 + p });
  }
  for (const [i, { at }] of labels.entries())
    known.set(
      labels
        .slice(i)
        .map((l) => l.text)
        .join("."),
      at,
    );
}

function writeAddress(bytes: Buffer, at: number, address: string): number {
  if (!address.includes(":")) {
    for (const [i, part] of address.split(".").entries()) bytes[at + i] = Number(part);
    return at + 4;
  }
  const { value } = parseIP(address)!;
  bytes.writeBigUInt64BE(value >> 64n, at);
  return bytes.writeBigUInt64BE(value & 0xffffffffffffffffn, at + 8);
}
