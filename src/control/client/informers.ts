// One informer a resource for everyone who asks (client-go's shared informer factory).
import { setMaxListeners } from "node:events";
import { apiVersionOf, type ResourceRef } from "../../core/api/refs.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KubeClient } from "./client.ts";
import { createInformer, type Informer, type InformerOptions } from "./informer.ts";

/** Where a role gets the informers that it shares with others. */
export interface InformerSource {
  /** The informer of that resource, made at the first call; it runs from `run` on, or at once when `run` was called. */
  of<T extends KubeObject>(ref: ResourceRef<T>): Informer<T>;
}

export interface Informers extends InformerSource {
  /** Runs every informer, also those asked for later, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when all that exist now have their first list. */
  synced(): Promise<void>;
}

export function createInformers(
  client: KubeClient,
  onError?: (resource: string, error: unknown) => void,
  options: Pick<InformerOptions<KubeObject>, "pageSize" | "transform" | "indexers"> = {},
): Informers {
  const informers = new Map<string, Informer<KubeObject>>();
  const running: Promise<void>[] = [];
  let signal: AbortSignal | undefined;
  return {
    of<T extends KubeObject>(ref: ResourceRef<T>): Informer<T> {
      const name = `${ref.resource}.${apiVersionOf(ref)}`;
      let informer = informers.get(name);
      if (!informer) {
        informer = createInformer<KubeObject>(client, ref as ResourceRef, {
          indexers: { namespace: (o) => [o.metadata.namespace ?? ""] },
          ...options,
          onError: (error) => onError?.(name, error),
        });
        informers.set(name, informer);
        if (signal) running.push(informer.run(signal));
      }
      return informer as unknown as Informer<T>;
    },
    async run(until) {
      // A listener an informer and more is what is meant here.
      setMaxListeners(0, until);
      signal = until;
      for (const informer of informers.values()) running.push(informer.run(until));
      if (!until.aborted)
        await new Promise<void>((resolve) =>
          until.addEventListener("abort", () => resolve(), { once: true }),
        );
      await Promise.all(running);
    },
    async synced() {
      await Promise.all([...informers.values()].map((i) => i.synced));
    },
  };
}
