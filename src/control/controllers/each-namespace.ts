// Keeps one object by a fixed name in every namespace that is not on its way out.
import { namespaces as namespacesRef, type ResourceRef } from "../../core/api/refs.ts";
import { isAlreadyExists, isNotFound } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import { type ControllerContext, controllerQueue, isNamespaceTerminating } from "./context.ts";

export interface KeptObject<T extends KubeObject> {
  ref: ResourceRef<T>;
  name: string;
  controller: string;
  /** The object to create. */
  blank(): KubeObject;
  /** The object set right, or undefined when it is. */
  corrected?(there: T): T | undefined;
}

export function keepInEachNamespace<T extends KubeObject>(
  context: ControllerContext,
  kept: KeptObject<T>,
): (signal: AbortSignal) => Promise<void> {
  const { client, informers } = context;
  const namespaces = informers.of(namespacesRef);
  const objects = informers.of(kept.ref);
  const queue = controllerQueue(context, kept.controller, {
    async work(namespace) {
      const ns = namespaces.get(namespace);
      if (!ns || ns.metadata.deletionTimestamp || ns.status?.phase === "Terminating") return;
      const there = objects.get(`${namespace}/${kept.name}`);
      try {
        if (!there) objects.wrote(await client.create(kept.ref, kept.blank(), { namespace }));
        else {
          const next = kept.corrected?.(there);
          if (next) objects.wrote(await client.update(kept.ref, next));
        }
      } catch (error) {
        if (isNamespaceTerminating(error) || isAlreadyExists(error) || isNotFound(error)) return;
        throw error;
      }
    },
  });
  namespaces.on({
    added: (ns) => queue.add(ns.metadata.name!),
    updated: (ns) => queue.add(ns.metadata.name!),
  });
  const changed = (o: T): void => {
    if (o.metadata.name === kept.name) queue.add(o.metadata.namespace!);
  };
  objects.on({ updated: changed, deleted: changed });
  return (signal) => queue.run(signal);
}
