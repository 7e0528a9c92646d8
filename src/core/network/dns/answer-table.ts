// Ready answers in wire form by question, in an open-addressing table keyed by the question's bytes: finding one and
// copying it out with the client's id, flags, spelling and EDNS touches no new memory.
import { FLAG, TYPE } from "./constants.ts";
import type { QueryView } from "./query.ts";

export interface ReadyAnswer {
  /** Whole message; its question has the same length as that of any query it answers. */
  readonly bytes: Buffer;
  readonly rcode: number;
  /** Where answers may be rotated: `count` records of equal size from `start`. 0: leave the order. */
  readonly rotate: { readonly start: number; readonly size: number; readonly count: number };
  /** Length and count of what may be left out first when space is short: the additional section. */
  readonly withoutAdditional: number;
}

interface Slot {
  hash: number;
  generation: number;
  /** Question in lower case: name, type, class. */
  key: Buffer;
  answer: ReadyAnswer;
}

export interface AnswerTable {
  find(view: QueryView, generation: number): ReadyAnswer | undefined;
  put(view: QueryView, generation: number, answer: ReadyAnswer): void;
  readonly size: number;
}

const lower = (b: number): number => (b >= 65 && b <= 90 ? b + 32 : b);

/** FNV-1a over the question, letters in lower case. Length bytes are below 64, so they are never taken for letters. */
function hashQuestion(view: QueryView): number {
  const { bytes, nameEnd } = view;
  let h = 0x811c9dc5;
  for (let p = 12; p < nameEnd; p++) h = Math.imul(h ^ lower(bytes[p]!), 0x01000193);
  h = Math.imul(h ^ view.type, 0x01000193);
  h = Math.imul(h ^ view.class, 0x01000193);
  return h >>> 0;
}

function sameQuestion(view: QueryView, key: Buffer): boolean {
  const { bytes, nameEnd } = view;
  if (key.length !== nameEnd - 12 + 4) return false;
  const n = nameEnd - 12;
  for (let i = 0; i < n; i++) if (lower(bytes[12 + i]!) !== key[i]) return false;
  return (
    key[n] === view.type >> 8 &&
    key[n + 1] === (view.type & 255) &&
    key[n + 2] === view.class >> 8 &&
    key[n + 3] === (view.class & 255)
  );
}

const probes = 8;

/** At most `capacity` (a power of two) answers; when a neighbourhood is full its first entry gives way. */
export function createAnswerTable(capacity = 8192): AnswerTable {
  const slots = new Array<Slot | undefined>(capacity).fill(undefined);
  const mask = capacity - 1;
  let size = 0;

  return {
    get size() {
      return size;
    },
    find(view, generation) {
      const hash = hashQuestion(view);
      for (let i = 0; i < probes; i++) {
        const slot = slots[(hash + i) & mask];
        if (slot === undefined) return undefined;
        if (slot.hash === hash && sameQuestion(view, slot.key))
          return slot.generation === generation ? slot.answer : undefined;
      }
      return undefined;
    },
    put(view, generation, answer) {
      const hash = hashQuestion(view);
      const key = Buffer.from(view.bytes.subarray(12, view.nameEnd + 4));
      for (let i = 0; i < view.nameEnd - 12; i++) key[i] = lower(key[i]!);
      let at = hash & mask;
      for (let i = 0; i < probes; i++) {
        const slot = slots[(hash + i) & mask];
        const same = slot !== undefined && slot.hash === hash && sameQuestion(view, slot.key);
        if (slot === undefined || same || slot.generation !== generation) {
          at = (hash + i) & mask;
          break;
        }
      }
      if (slots[at] === undefined) size++;
      slots[at] = { hash, generation, key, answer };
    },
  };
}

/**
 * Writes the answer to `view` into `out`; returns its length. `turn` is any number: it chooses which of several addresses
 * comes first. An answer longer than `limit` loses its additional section, then its records, with TC set.
 */
export function writeAnswer(
  answer: ReadyAnswer,
  view: QueryView,
  out: Buffer,
  options: { limit: number; turn: number },
): number {
  const { bytes, rotate } = answer;
  const room = options.limit - (view.hasEdns ? 11 : 0);
  let length = bytes.length;
  let truncated = false;
  let additional = true;
  if (length > room) {
    additional = false;
    length = answer.withoutAdditional;
    if (length > room) {
      truncated = true;
      length = view.nameEnd + 4;
    }
  }
  bytes.copy(out, 0, 0, length);
  if (!truncated && rotate.count > 1) {
    const first = options.turn % rotate.count;
    const { start, size } = rotate;
    const end = start + size * rotate.count;
    bytes.copy(out, start, start + first * size, end);
    bytes.copy(out, end - first * size, start, start + first * size);
  }
  view.bytes.copy(out, 12, 12, view.nameEnd);
  out[0] = view.bytes[0]!;
  out[1] = view.bytes[1]!;
  const flags = (bytes[2]! << 8) | bytes[3]! | (view.flags & (FLAG.RD | FLAG.CD)) | (truncated ? FLAG.TC : 0);
  out[2] = flags >> 8;
  out[3] = flags & 255;
  if (!additional) out[10] = out[11] = 0;
  if (truncated) out[6] = out[7] = out[8] = out[9] = 0;
  return view.hasEdns ? appendOpt(out, length, view.dnssecOk, 0) : length;
}

/** Adds an OPT record (RFC 6891) and counts it; returns the new length. */
export function appendOpt(out: Buffer, at: number, dnssecOk: boolean, extendedRcode: number): number {
  out[at] = 0;
  out[at + 1] = 0;
  out[at + 2] = TYPE.OPT;
  out[at + 3] = 0x10;
  out[at + 4] = 0;
  out[at + 5] = extendedRcode;
  out[at + 6] = 0;
  out[at + 7] = dnssecOk ? 0x80 : 0;
  out[at + 8] = out[at + 9] = out[at + 10] = 0;
  const count = ((out[10]! << 8) | out[11]!) + 1;
  out[10] = count >> 8;
  out[11] = count & 255;
  return at + 11;
}
