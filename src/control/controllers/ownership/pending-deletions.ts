// Remembers what was asked to go until the cache shows it, so that a stale cache never leads to deleting twice.
import type { KubeObject } from "../../../core/api/types.ts";
import type { Informer } from "../../client/mod.ts";

/** As long as client-go's expectations: after that the cache is believed again. */
const forgetMs = 300_000;

export interface PendingDeletions {
  add(obj: KubeObject): void;
  has(obj: KubeObject): boolean;
  /** The deletion was refused. */
  forget(obj: KubeObject): void;
}

export function createPendingDeletions<T extends KubeObject>(
  informer: Informer<T>,
  now: () => number,
): PendingDeletions {
  const asked = new Map<string, number>();
  informer.on({
    updated(obj) {
      if (obj.metadata.deletionTimestamp) asked.delete(obj.metadata.uid!);
    },
    deleted(obj) {
      asked.delete(obj.metadata.uid!);
    },
  });
  return {
    add: (obj) => void asked.set(obj.metadata.uid!, now()),
    has(obj) {
      const at = asked.get(obj.metadata.uid!);
      if (at === undefined) return false;
      if (now() - at < forgetMs) return true;
      asked.delete(obj.metadata.uid!);
      return false;
    },
    forget: (obj) => void asked.delete(obj.metadata.uid!),
  };
}
