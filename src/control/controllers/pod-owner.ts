// What a controller that owns pods begins with: a loop over its kind, woken by the pods it owns or might adopt, which claims
// them, makes them from a template and deletes them with the words of pkg/controller RealPodControl.
import { pods as podsRef } from "../../core/api/refs.ts";
import type { KubeObject, Pod, PodTemplateSpec } from "../../core/api/types.ts";
import type { Informer } from "../client/mod.ts";
import { type ControllerContext, isNamespaceTerminating } from "./context.ts";
import { createKindLoop, type KindLoop, type KindOptions } from "./kind-loop.ts";
import {
  controllerRefTo,
  createPendingDeletions,
  indexByController,
  ownedBy,
  type PendingDeletions,
  settleClaims,
  wakeOwners,
} from "./ownership/mod.ts";
import { podFromTemplate } from "./pods/mod.ts";
import { slowStart } from "./slow-start.ts";

export interface PodOwnerOptions<T extends KubeObject> extends KindOptions<T> {
  /** Whether the owner's selector, and what else it asks for, matches. */
  matches(owner: T, pod: Pod): boolean;
  /** A change of a pod that nobody controls, beside its possible owners being woken. */
  orphaned?(pod: Pod): void;
}

export interface PodOwner<T extends KubeObject & { status?: unknown }> extends KindLoop<T> {
  pods: Informer<Pod>;
  leaving: PendingDeletions<Pod>;
  /** Adopts and releases what has to be. Afterwards `mine` tells the owner's pods. */
  settle(owner: T): Promise<void>;
  /** The owner's pods that its selector matches, as the cache has them now. */
  mine(owner: T): Pod[];
  /** A pod of the owner, to be changed and created. */
  blank(owner: T, template: PodTemplateSpec): Pod;
  /**
   * Creates `count` pods in growing batches, each as `make` gives it. Throws what the API refused first; that a namespace is
   * going away is no failure.
   */
  create(owner: T, count: number, make: () => Pod): Promise<void>;
  /** Throws what the API refused. */
  remove(owner: T, pod: Pod): Promise<void>;
}

export function createPodOwner<T extends KubeObject & { status?: unknown }>(
  context: ControllerContext,
  options: PodOwnerOptions<T>,
): PodOwner<T> {
  const { client, informers, now } = context;
  const { ref, matches, orphaned } = options;
  const pods = informers.of(podsRef);
  indexByController(pods);
  const leaving = createPendingDeletions({ client, ref: podsRef, informer: pods }, now);
  const loop = createKindLoop(context, options);
  const { say } = loop;
  const ownership = { dependents: pods, owners: loop.objects, kind: ref.kind, matches };
  wakeOwners({ ...ownership, ...(orphaned ? { orphaned } : {}) }, loop.queue.add);

  async function createOne(owner: T, pod: Pod): Promise<void> {
    try {
      const made = await client.create(podsRef, pod, { namespace: owner.metadata.namespace });
      pods.wrote(made);
      say(owner, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata.name}`);
    } catch (error) {
      if (!isNamespaceTerminating(error))
        say(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  return {
    ...loop,
    pods,
    leaving,
    settle: (owner) =>
      settleClaims({ client, ref: podsRef, informer: pods, ownerRef: ref }, owner, (pod) =>
        matches(owner, pod),
      ),
    mine: (owner) => ownedBy(pods, owner).filter((pod) => matches(owner, pod)),
    blank: (owner, template) =>
      podFromTemplate(template, {
        ownerName: owner.metadata.name!,
        ownerReference: controllerRefTo(ref, owner),
      }),
    async create(owner, count, make) {
      const { error } = await slowStart(count, () => createOne(owner, make()));
      if (error !== undefined && !isNamespaceTerminating(error)) throw error;
    },
    async remove(owner, pod) {
      try {
        if (await leaving.remove(pod))
          say(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
      } catch (error) {
        say(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
        throw error;
      }
    },
  };
}
