// Deletes what a controller has too much of, and remembers it until the cache shows it, so that a stale cache never leads to
// deleting twice or to counting what is on its way out.
import type { ResourceRef } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { DeleteOptions, Informer, KubeClient } from "../../client/mod.ts";

/** As long as client-go's expectations: after that the cache is believed again. */
const forgetMs = 300_000;

export interface PendingDeletions<T extends KubeObject> {
  /**
   * Deletes exactly this object, not another one under its name. True: the API took the request; false: it was gone already.
   * Throws what the API refused, and then the object is not on its way out.
   */
  remove(obj: T, options?: Pick<DeleteOptions, "propagationPolicy">): Promise<boolean>;
  /** Whether its deletion was asked for and the cache does not show it yet. */
  has(obj: T): boolean;
}

export function createPendingDeletions<T extends KubeObject>(
  { client, ref, informer }: { client: KubeClient; ref: ResourceRef<T>; informer: Informer<T> },
  now: () => number,
): PendingDeletions<T> {
  const asked = new Map<string, number>();
  informer.on({
    updated(obj) {
      if (obj.metadata.deletionTimestamp) asked.delete(obj.metadata.uid!);
    },
    deleted(obj) {
      asked.delete(obj.metadata.uid!);
    },
  });

  /** The oldest stand first. */
  function forgetOld(): void {
    for (const [uid, at] of asked) {
      if (now() - at < forgetMs) return;
      asked.delete(uid);
    }
  }

  return {
    async remove(obj, options) {
      const { name = "", namespace, uid = "" } = obj.metadata;
      forgetOld();
      asked.set(uid, now());
      try {
        await client.delete(ref, name, { namespace, ...options, preconditions: { uid } });
        return true;
      } catch (error) {
        // It stays remembered: the cache may still show it.
        if (isNotFound(error)) return false;
        asked.delete(uid);
        throw error;
      }
    },
    has(obj) {
      forgetOld();
      return asked.has(obj.metadata.uid!);
    },
  };
}
