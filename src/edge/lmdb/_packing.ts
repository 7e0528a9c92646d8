// Entries, events and the log's state as the bytes of LMDB values. A key that LMDB keeps is not repeated: an entry's is its table's key, an
// event's revision too.
import type { KeyValue, StoreEvent } from "../../control/store/mod.ts";

const entryHeader = 16;
const eventHeader = 1 + 8 * 3 + 2 + 4 + 4;

export function packEntry(kv: KeyValue): Buffer {
  const out = Buffer.allocUnsafe(entryHeader + kv.value.length);
  out.writeDoubleLE(kv.modRevision, 0);
  out.writeDoubleLE(kv.createRevision, 8);
  kv.value.copy(out, entryHeader);
  return out;
}

export function unpackEntry(key: string, bytes: Buffer): KeyValue {
  return {
    key,
    modRevision: bytes.readDoubleLE(0),
    createRevision: bytes.readDoubleLE(8),
    // LMDB's memory is valid only until the next read.
    value: Buffer.from(bytes.subarray(entryHeader)),
  };
}

export function packEvent({ type, kv, prevKv }: StoreEvent): Buffer {
  const key = Buffer.from(kv.key);
  const prev = prevKv?.value ?? Buffer.alloc(0);
  const out = Buffer.allocUnsafe(eventHeader + key.length + kv.value.length + prev.length);
  let at = out.writeUInt8(type === "PUT" ? 1 : 2, 0);
  at = out.writeDoubleLE(kv.createRevision, at);
  at = out.writeDoubleLE(prevKv?.modRevision ?? 0, at);
  at = out.writeDoubleLE(prevKv?.createRevision ?? 0, at);
  at = out.writeUInt16LE(key.length, at);
  at = out.writeUInt32LE(kv.value.length, at);
  at = out.writeUInt32LE(prev.length, at);
  at += key.copy(out, at);
  at += kv.value.copy(out, at);
  prev.copy(out, at);
  return out;
}

export function unpackEvent(revision: number, bytes: Buffer): StoreEvent {
  const type = bytes.readUInt8(0) === 1 ? "PUT" : "DELETE";
  const createRevision = bytes.readDoubleLE(1);
  const prevMod = bytes.readDoubleLE(9);
  const prevCreate = bytes.readDoubleLE(17);
  const keyLength = bytes.readUInt16LE(25);
  const valueLength = bytes.readUInt32LE(27);
  let at = eventHeader;
  const key = bytes.toString("utf8", at, at + keyLength);
  at += keyLength;
  const value = Buffer.from(bytes.subarray(at, at + valueLength));
  at += valueLength;
  const prevKv =
    prevMod === 0
      ? undefined
      : {
          key,
          value: Buffer.from(bytes.subarray(at)),
          modRevision: prevMod,
          createRevision: prevCreate,
        };
  return { type, kv: { key, value, modRevision: revision, createRevision }, prevKv, revision };
}

/** How far the log has come, and up to where its events are gone. */
export function packState(revision: number, compactedRevision: number): Buffer {
  const out = Buffer.allocUnsafe(16);
  out.writeDoubleLE(revision, 0);
  out.writeDoubleLE(compactedRevision, 8);
  return out;
}

/** Both are 0 in a log that nothing was written to. */
export function unpackState(bytes: Buffer | undefined): { revision: number; compactedRevision: number } {
  return { revision: bytes?.readDoubleLE(0) ?? 0, compactedRevision: bytes?.readDoubleLE(8) ?? 0 };
}
