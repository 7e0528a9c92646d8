// Ready answers in wire form by question, in an open-addressing table keyed by the question's bytes: finding one and
// copying it out with the client's id, flags, spelling and EDNS touches no new memory.
import { FLAG, TYPE } from "./constants.ts";
import type { QueryView } from "./query.ts";

export interface ReadyAnswer {
  /** The whole message is `length` bytes of these from `offset`; its question is as long as that of any query it answers. */
  readonly bytes: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly rcode: number;
  /** Where answers may be rotated: `count` records of equal size from `start` of the message. 0: leave the order. */
  readonly rotate: { readonly start: number; readonly size: number; readonly count: number };
  /** Length of what is left when the additional section is left out, which goes first when space is short. */
  readonly withoutAdditional: number;
}

export interface AnswerTable {
  /** What it finds is good until the next `find`. */
  find(view: QueryView, generation: number): ReadyAnswer | undefined;
  put(view: QueryView, generation: number, answer: ReadyAnswer): void;
  readonly size: number;
}

/** Buffer.copy makes an object for each part of a buffer; for so few bytes a loop is as fast. */
function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  for (let i = start; i < end; i++) to[at + i - start] = from[i]!;
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

/** True when the message at `at`, whose question's name ends at `nameEnd`, has this question; its letters are lower case. */
function sameQuestion(view: QueryView, message: Buffer, at: number, nameEnd: number): boolean {
  const { bytes } = view;
  if (nameEnd !== view.nameEnd) return false;
  for (let i = 12; i < nameEnd; i++) if (lower(bytes[i]!) !== message[at + i]) return false;
  for (let i = nameEnd; i < nameEnd + 4; i++) if (bytes[i] !== message[at + i]) return false;
  return true;
}

/** Copies the message with its question's name in lower case. */
function copyLower(answer: ReadyAnswer, nameEnd: number, to: Buffer, at: number): void {
  answer.bytes.copy(to, at, answer.offset, answer.offset + answer.length);
  for (let i = 12; i < nameEnd; i++) to[at + i] = lower(to[at + i]!);
}

const probes = 16;
/** Answers up to this long lie side by side in one piece of memory; longer ones, which are few, each by itself. */
const cellSize = 144;
const largeCapacity = 2048;
/** Of each cell: the message's length (0: empty), the end of its question's name, and the fields of a ReadyAnswer. */
const field = { length: 0, nameEnd: 1, rcode: 2, without: 3, start: 4, size: 5, count: 6, all: 7 } as const;

interface LargeAnswer {
  generation: number;
  nameEnd: number;
  answer: ReadyAnswer;
}

interface Cells {
  readonly capacity: number;
  readonly bytes: Buffer;
  readonly hashes: Uint32Array;
  readonly generations: Uint32Array;
  readonly fields: Uint16Array;
}

const makeCells = (capacity: number): Cells => ({
  capacity,
  bytes: Buffer.allocUnsafeSlow(capacity * cellSize),
  hashes: new Uint32Array(capacity),
  generations: new Uint32Array(capacity),
  fields: new Uint16Array(capacity * field.all),
});

/**
 * At most `most` (a power of two) answers of usual length, for which it grows as they come; when a neighbourhood is full its
 * first entry gives way. 16,384 take 2.7 MB.
 */
export function createAnswerTable(most = 16_384): AnswerTable {
  let cells = makeCells(Math.min(most, 1024));
  const large = new Array<LargeAnswer | undefined>(largeCapacity).fill(undefined);
  let size = 0;
  const rotate = { start: 0, size: 0, count: 0 };
  const found = { bytes: cells.bytes, offset: 0, length: 0, rcode: 0, rotate, withoutAdditional: 0 };

  /** Twice the room, everything in its new place; what finds its neighbourhood full is left behind. */
  function grow(): void {
    const old = cells;
    cells = makeCells(old.capacity * 2);
    size = large.filter((l) => l !== undefined).length;
    for (let from = 0; from < old.capacity; from++) {
      if (old.fields[from * field.all] === 0) continue;
      for (let i = 0; i < probes; i++) {
        const at = (old.hashes[from]! + i) & (cells.capacity - 1);
        if (cells.fields[at * field.all] !== 0) continue;
        old.bytes.copy(cells.bytes, at * cellSize, from * cellSize, (from + 1) * cellSize);
        cells.fields.set(old.fields.subarray(from * field.all, (from + 1) * field.all), at * field.all);
        cells.hashes[at] = old.hashes[from]!;
        cells.generations[at] = old.generations[from]!;
        size++;
        break;
      }
    }
    found.bytes = cells.bytes;
  }

  function findLarge(view: QueryView, hash: number, generation: number): ReadyAnswer | undefined {
    const slot = large[hash & (largeCapacity - 1)];
    return slot?.generation === generation && sameQuestion(view, slot.answer.bytes, 0, slot.nameEnd)
      ? slot.answer
      : undefined;
  }

  function putLarge(view: QueryView, hash: number, generation: number, answer: ReadyAnswer): void {
    const at = hash & (largeCapacity - 1);
    const bytes = Buffer.allocUnsafeSlow(answer.length);
    copyLower(answer, view.nameEnd, bytes, 0);
    if (large[at] === undefined) size++;
    large[at] = { generation, nameEnd: view.nameEnd, answer: { ...answer, bytes, offset: 0 } };
  }

  return {
    get size() {
      return size;
    },
    find(view, generation) {
      const hash = hashQuestion(view);
      const { capacity, bytes, hashes, generations, fields } = cells;
      for (let i = 0; i < probes; i++) {
        const at = (hash + i) & (capacity - 1);
        const f = at * field.all;
        if (fields[f] === 0) break;
        if (hashes[at] !== hash || !sameQuestion(view, bytes, at * cellSize, fields[f + field.nameEnd]!))
          continue;
        if (generations[at] !== generation >>> 0) break;
        found.offset = at * cellSize;
        found.length = fields[f]!;
        found.rcode = fields[f + field.rcode]!;
        found.withoutAdditional = fields[f + field.without]!;
        rotate.start = fields[f + field.start]!;
        rotate.size = fields[f + field.size]!;
        rotate.count = fields[f + field.count]!;
        return found;
      }
      return findLarge(view, hash, generation);
    },
    put(view, generation, answer) {
      const hash = hashQuestion(view);
      if (answer.length > cellSize) {
        putLarge(view, hash, generation, answer);
        return;
      }
      if (cells.capacity < most && size * 4 > cells.capacity * 3) grow();
      const { capacity, bytes, hashes, generations, fields } = cells;
      let at = hash & (capacity - 1);
      for (let i = 0; i < probes; i++) {
        const here = (hash + i) & (capacity - 1);
        const nameEnd = fields[here * field.all + field.nameEnd]!;
        const empty = fields[here * field.all] === 0;
        const same = !empty && hashes[here] === hash && sameQuestion(view, bytes, here * cellSize, nameEnd);
        if (empty || same || generations[here] !== generation >>> 0) {
          at = here;
          break;
        }
      }
      const f = at * field.all;
      if (fields[f] === 0) size++;
      hashes[at] = hash;
      generations[at] = generation;
      const { start, size: each, count } = answer.rotate;
      fields.set(
        [answer.length, view.nameEnd, answer.rcode, answer.withoutAdditional, start, each, count],
        f,
      );
      copyLower(answer, view.nameEnd, bytes, at * cellSize);
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
  const { bytes, offset, rotate } = answer;
  const room = options.limit - (view.hasEdns ? 11 : 0);
  let { length } = answer;
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
  copyBytes(bytes, offset, offset + length, out, 0);
  if (!truncated && rotate.count > 1) {
    const first = options.turn % rotate.count;
    const { start, size } = rotate;
    const from = offset + start;
    const end = start + size * rotate.count;
    copyBytes(bytes, from + first * size, offset + end, out, start);
    copyBytes(bytes, from, from + first * size, out, end - first * size);
  }
  copyBytes(view.bytes, 12, view.nameEnd, out, 12);
  out[0] = view.bytes[0]!;
  out[1] = view.bytes[1]!;
  const flags =
    (bytes[offset + 2]! << 8) |
    bytes[offset + 3]! |
    (view.flags & (FLAG.RD | FLAG.CD)) |
    (truncated ? FLAG.TC : 0);
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
