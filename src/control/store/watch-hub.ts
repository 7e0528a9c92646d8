// Who is told of an event: watchers by the prefix they gave, found by cutting the event's key at its slashes, so that a
// write costs the same with ten thousand watchers of other things.
import type { StoreEvent } from "./store.ts";

type Listener = (event: StoreEvent) => void;

export class WatchHub {
  readonly #byPrefix = new Map<string, Set<Listener>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** `prefix` is a whole key, or ends with a slash. */
  add(prefix: string, listener: Listener): () => void {
    let set = this.#byPrefix.get(prefix);
    if (!set) {
      set = new Set();
      this.#byPrefix.set(prefix, set);
    }
    set.add(listener);
    const listeners = set;
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byPrefix.get(prefix) === listeners) this.#byPrefix.delete(prefix);
    };
  }

  publish(event: StoreEvent): void {
    const { key } = event.kv;
    for (let at = key.indexOf("/"); at >= 0; at = key.indexOf("/", at + 1))
      this.#tell(key.slice(0, at + 1), event);
    this.#tell(key, event);
  }

  #tell(prefix: string, event: StoreEvent): void {
    const listeners = this.#byPrefix.get(prefix);
    if (!listeners) return;
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
