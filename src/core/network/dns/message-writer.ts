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
/** Every message is written here, and what is long enough is copied. */
const bytes = Buffer.alloc(limit);

/** The response with id 0. Records that do not fit any more are left out and TC is set. */
export function writeMessage(parts: MessageParts): WrittenMessage {
  let at = 12;
  let known: Map<string, number> | undefined;
  const offsets: number[] = [];

  const u16 = (v: number): void => {
    at = bytes.writeUInt16BE(v, at);
  };
  const u32 = (v: number): void => {
    at = bytes.writeUInt32BE(v, at);
  };
  const name = (text: string): void => {
    // Most records are the question's own.
    if (spells(parts.questionName, text)) {
      u16(0xc00c);
      return;
    }
    known ??= suffixes(parts.questionName);
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
    if ("address" in d) at = writeAddress(at, d.address);
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
    if (at + 600 > limit) return false;
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
  u16(parts.type);
  u16(parts.class);
  let flags = parts.flags;
  const counts = [parts.answers, parts.authorities, parts.additional].map((section, i) => {
    const left = section.findIndex((r) => !record(r));
    if (left < 0) return section.length;
    if (i < 2) flags |= 0x0200;
    return left;
  });
  bytes.writeUInt16BE(0, 0);
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt16BE(1, 4);
  for (const [i, count] of counts.entries()) bytes.writeUInt16BE(count, 6 + 2 * i);
  offsets.push(at);
  return { bytes: Buffer.from(bytes.subarray(0, at)), offsets };
}

/** True when the name in wire form is that text. A label with a dot in it would be mistaken for two, so it is nobody's. */
function spells(name: Buffer, text: string): boolean {
  let t = 0;
  for (let p = 0; name[p]! > 0; ) {
    if (t > 0 && text.charCodeAt(t++) !== 46) return false;
    for (const end = p + name[p]!; p < end; ) {
      const byte = name[++p]!;
      const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (lower === 46 || text.charCodeAt(t++) !== lower) return false;
    }
    p++;
  }
  return t > 0 && t === text.length;
}

/** The question's own suffixes can be pointed to; not those of a name with a dot in a label. */
function suffixes(name: Buffer): Map<string, number> {
  const starts: number[] = [];
  for (let p = 0; name[p]! > 0; p += name[p]! + 1) starts.push(p);
  const known = new Map<string, number>();
  let text = "";
  for (const p of starts.reverse()) {
    const label = name.toString("latin1", p + 1, p + 1 + name[p]!).toLowerCase();
    if (label.includes(".")) return new Map();
    text = text === "" ? label : `${label}.${text}`;
    known.set(text, 12 + p);
  }
  return known;
}

function writeAddress(at: number, address: string): number {
  if (!address.includes(":")) {
    let to = at;
    let part = 0;
    for (let i = 0; i < address.length; i++) {
      const c = address.charCodeAt(i);
      if (c !== 46) part = part * 10 + c - 48;
      else {
        bytes[to++] = part;
        part = 0;
      }
    }
    bytes[to] = part;
    return at + 4;
  }
  const { value } = parseIP(address)!;
  bytes.writeBigUInt64BE(value >> 64n, at);
  return bytes.writeBigUInt64BE(value & 0xffffffffffffffffn, at + 8);
}
