// A map ordered by key, in chunks: finding, adding and removing cost two binary searches and a short memory move, walking
// in order costs nothing more. Keys are compared as JavaScript strings (byte order for the ASCII keys of the store).

const chunkLimit = 512;

interface Chunk<V> {
  keys: string[];
  values: V[];
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (keys[mid]! < key) low = mid + 1;
    else high = mid;
  }
  return low;
}

export class SortedMap<V> {
  readonly #chunks: Chunk<V>[] = [];
  readonly #byKey = new Map<string, V>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): V | undefined {
    return this.#byKey.get(key);
  }

  /** Index of the chunk that holds `key` or would. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >>> 1;
      if (this.#chunks[mid]!.keys[0]! <= key) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  set(key: string, value: V): void {
    const known = this.#byKey.has(key);
    this.#byKey.set(key, value);
    if (this.#chunks.length === 0) {
      this.#chunks.push({ keys: [key], values: [value] });
      return;
    }
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const i = lowerBound(chunk.keys, key);
    if (known) {
      chunk.values[i] = value;
      return;
    }
    chunk.keys.splice(i, 0, key);
    chunk.values.splice(i, 0, value);
    if (chunk.keys.length <= chunkLimit) return;
    const half = chunk.keys.length >>> 1;
    this.#chunks.splice(at + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) });
  }

  delete(key: string): boolean {
    if (!this.#byKey.delete(key)) return false;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const i = lowerBound(chunk.keys, key);
    chunk.keys.splice(i, 1);
    chunk.values.splice(i, 1);
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1);
    return true;
  }

  /** Values whose keys start with `prefix`, in order, after the key `after` (exclusive), at most `limit`. */
  range(prefix: string, after?: string, limit = Number.POSITIVE_INFINITY): V[] {
    const found: V[] = [];
    if (this.#chunks.length === 0 || limit <= 0) return found;
    const start = after !== undefined && after >= prefix ? after : prefix;
    let at = this.#chunkOf(start);
    let i = lowerBound(this.#chunks[at]!.keys, start);
    for (; at < this.#chunks.length; at++, i = 0) {
      const { keys, values } = this.#chunks[at]!;
      for (; i < keys.length; i++) {
        const key = keys[i]!;
        if (!key.startsWith(prefix)) {
          if (key > prefix) return found;
          continue;
        }
        if (key === after) continue;
        found.push(values[i]!);
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  /** How many keys start with `prefix`. */
  count(prefix: string): number {
    if (prefix === "") return this.size;
    // Everything from the prefix up to the next prefix of the same length.
    const next = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    return this.#rank(next) - this.#rank(prefix);
  }

  #rank(key: string): number {
    if (this.#chunks.length === 0) return 0;
    const at = this.#chunkOf(key);
    let n = 0;
    for (let c = 0; c < at; c++) n += this.#chunks[c]!.keys.length;
    return n + lowerBound(this.#chunks[at]!.keys, key);
  }
}
