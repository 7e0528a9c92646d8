// What a controller with a kind of its own begins with: the kind's cache, a queue that every change of an object feeds, events
// about it, and its status.
import type { ResourceRef } from "../../core/api/refs.ts";
import type { KubeObject } from "../../core/api/types.ts";
import { type Informer, objectKey, type WorkQueue } from "../client/mod.ts";
import { type ControllerContext, controllerQueue, controllerVoice, type Say } from "./context.ts";
import { sameJson } from "./same-json.ts";

export interface KindOptions<T extends KubeObject> {
  ref: ResourceRef<T>;
  /** The source of its events and its name in the log. */
  component: string;
  /** Called with an object's key; the object may be gone. */
  reconcile(key: string): Promise<void>;
}

export interface KindLoop<T extends KubeObject & { status?: unknown }> {
  objects: Informer<T>;
  queue: WorkQueue;
  /** Puts the object's key into the queue. */
  add(obj: T): void;
  say: Say<T>;
  /** Writes the status unless the object has it already. Resolves with the object as it is then. */
  writeStatus(obj: T, status: T["status"] & {}): Promise<T>;
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createKindLoop<T extends KubeObject & { status?: unknown }>(
  context: ControllerContext,
  { ref, component, reconcile }: KindOptions<T>,
): KindLoop<T> {
  const objects = context.informers.of(ref);
  const queue = controllerQueue(context, component, { work: reconcile });
  const add = (obj: T): void => queue.add(objectKey(obj));
  objects.on({ added: add, updated: add, deleted: add });
  return {
    objects,
    queue,
    add,
    say: controllerVoice(context, component)(ref),
    async writeStatus(obj, status) {
      if (sameJson(obj.status ?? {}, status)) return obj;
      const wrote = await context.client.update<T>(ref, { ...obj, status }, { subresource: "status" });
      objects.wrote(wrote);
      return wrote;
    },
    run: queue.run,
  };
}
