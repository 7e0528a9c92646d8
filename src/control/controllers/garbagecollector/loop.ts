// The garbage collector: follows owner references and carries out what deletion policies ask for.
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import type { KubeObject, OwnerReference } from "../../../core/api/types.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { sameJson } from "../same-json.ts";
import { servedKind } from "../served-kinds.ts";
import {
  type Collect,
  decideCollect,
  isDeleting,
  isWaitingForDependents,
  type OwnerState,
  orphanFinalizer,
} from "./decide.ts";
import { createOwnerGraph, type Known } from "./graph.ts";

export const startGarbageCollector: StartController = (context) => {
  const { client, informers } = context;
  const queue = controllerQueue(context, "garbage-collector-controller", { workers: 20, work: reconcile });
  const graph = createOwnerGraph(informers, {
    changed({ obj }, old) {
      const uid = obj.metadata.uid!;
      const owners = obj.metadata.ownerReferences ?? [];
      const before = old?.metadata.ownerReferences ?? [];
      if (owners.length > 0 && (!old || !sameJson(owners, before))) queue.add(uid);
      if (isDeleting(obj)) {
        queue.add(uid);
        // Whoever waits for this one, or is to go with it, has a new look.
        if (isWaitingForDependents(obj) && !(old && isWaitingForDependents(old))) wakeDependents(uid);
      }
      for (const owner of before)
        if (
          !sameJson(
            owner,
            owners.find((o) => o.uid === owner.uid),
          )
        )
          wakeWaiting(owner.uid);
    },
    gone(obj) {
      wakeDependents(obj.metadata.uid!);
      for (const owner of obj.metadata.ownerReferences ?? []) wakeWaiting(owner.uid);
    },
  });

  function wakeDependents(uid: string): void {
    for (const d of graph.dependentsOf(uid)) queue.add(d.metadata.uid!);
  }
  function wakeWaiting(uid: string): void {
    const owner = graph.get(uid)?.obj;
    if (owner && isDeleting(owner)) queue.add(uid);
  }

  /** The cache says that an owner is there; that one is not is believed only of the API itself. */
  async function ownerState(owner: OwnerReference, namespace: string | undefined): Promise<OwnerState> {
    const ref = servedKind(owner.apiVersion, owner.kind);
    if (!ref) return "unknown";
    const stateOf = (obj: KubeObject): OwnerState => (isWaitingForDependents(obj) ? "waiting" : "solid");
    const known = graph.get(owner.uid);
    if (known) {
      const reachable =
        known.obj.metadata.namespace === undefined || known.obj.metadata.namespace === namespace;
      return reachable ? stateOf(known.obj) : "absent";
    }
    // A cluster-scoped object cannot have an owner in a namespace: nobody can tell which is meant.
    if (ref.namespaced && !namespace) return "unknown";
    try {
      const live = await client.get(ref, owner.name, ref.namespaced ? { namespace } : {});
      return live.metadata.uid === owner.uid ? stateOf(live) : "absent";
    } catch (error) {
      if (isNotFound(error)) return "absent";
      throw error;
    }
  }

  async function reconcile(uid: string): Promise<void> {
    const known = graph.get(uid);
    if (!known) return;
    const owners = new Map<string, OwnerState>();
    const { ownerReferences = [], namespace } = known.obj.metadata;
    for (const owner of ownerReferences) owners.set(owner.uid, await ownerState(owner, namespace));
    const latest = graph.get(uid);
    if (!latest || !sameJson(latest.obj.metadata.ownerReferences ?? [], ownerReferences))
      return queue.add(uid);
    try {
      await carryOut(latest, decideCollect(latest.obj, owners, graph.dependentsOf(uid)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function carryOut(known: Known, what: Collect): Promise<void> {
    const { ref, obj } = known;
    const { name, namespace, uid, resourceVersion } = obj.metadata;
    switch (what.kind) {
      case "keep":
        return;
      case "release":
        return release(known, what.finalizer);
      case "collect dependents":
        for (const d of what.dependents) if (!isDeleting(d)) queue.add(d.metadata.uid!);
        return;
      case "orphan dependents":
        await Promise.all(what.dependents.map((d) => dropOwners(d, [uid!])));
        return release(known, orphanFinalizer);
      case "drop owners":
        return dropOwners(obj, what.uids);
      case "delete": {
        if (what.unblock) {
          const refs = obj.metadata.ownerReferences!.map((o) => ({ ...o, blockOwnerDeletion: false }));
          const patch = { metadata: { uid, resourceVersion, ownerReferences: refs } };
          await client.patch(ref, name!, patch, { namespace, type: "merge" });
        }
        const preconditions = { uid: uid!, ...(what.unblock ? {} : { resourceVersion: resourceVersion! }) };
        await client.delete(ref, name!, { namespace, propagationPolicy: what.policy, preconditions });
      }
    }
  }

  async function release({ ref, obj }: Known, finalizer: string): Promise<void> {
    const { name, namespace, uid, resourceVersion } = obj.metadata;
    const finalizers = (obj.metadata.finalizers ?? []).filter((f) => f !== finalizer);
    const patch = { metadata: { uid, resourceVersion, finalizers } };
    await client.patch(ref, name!, patch, { namespace, type: "merge" });
  }

  async function dropOwners(obj: KubeObject, uids: readonly string[]): Promise<void> {
    const known = graph.get(obj.metadata.uid!);
    if (!known) return;
    const { name, namespace, uid, resourceVersion, ownerReferences = [] } = known.obj.metadata;
    const patch = {
      metadata: {
        uid,
        resourceVersion,
        ownerReferences: ownerReferences.filter((o) => !uids.includes(o.uid)),
      },
    };
    try {
      await client.patch(known.ref, name!, patch, { namespace, type: "merge" });
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error)) queue.add(uid!);
      throw error;
    }
  }

  return (signal) => queue.run(signal);
};
