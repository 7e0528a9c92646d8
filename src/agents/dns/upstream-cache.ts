// Answers of upstream servers by question, for as long as they say (RFC 2181 5.2, RFC 2308); the least recently used go
// first when there are too many or too large ones.
import type { RelayedMessage } from "../../core/network/dns/mod.ts";

export interface CachedMessage {
  readonly message: RelayedMessage;
  /** Clock time at which it was stored and at which it ends. */
  readonly from: number;
  readonly until: number;
}

export interface UpstreamCache {
  get(key: string, now: number): CachedMessage | undefined;
  put(key: string, message: RelayedMessage, now: number): void;
  readonly size: number;
}

export function createUpstreamCache(limits: { entries: number; bytes: number }): UpstreamCache {
  const entries = new Map<string, CachedMessage>();
  let bytes = 0;

  function drop(key: string): void {
    const old = entries.get(key);
    if (!old) return;
    entries.delete(key);
    bytes -= old.message.bytes.length;
  }

  return {
    get size() {
      return entries.size;
    },
    get(key, now) {
      const found = entries.get(key);
      if (!found) return undefined;
      entries.delete(key);
      if (now >= found.until) {
        bytes -= found.message.bytes.length;
        return undefined;
      }
      entries.set(key, found);
      return found;
    },
    put(key, message, now) {
      if (message.ttl === 0) return;
      drop(key);
      entries.set(key, { message, from: now, until: now + message.ttl * 1000 });
      bytes += message.bytes.length;
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.entries && bytes <= limits.bytes) break;
        drop(oldest);
      }
    },
  };
}
