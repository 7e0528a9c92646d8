// The Namespace controller: empties a namespace that is being deleted, pods first, and lets it go when nothing is left.
import { namespaces as namespacesRef, pods as podsRef } from "../../../core/api/refs.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Namespace } from "../../../core/api/types.ts";
import { type ControllerContext, controllerQueue, type StartController } from "../context.ts";
import { servedKinds } from "../served-kinds.ts";
import { deletionConditions, type Remaining } from "./decide.ts";

const kubernetes = "kubernetes";
const namespacedKinds = servedKinds.filter((r) => r.namespaced);
const othersThanPods = namespacedKinds.filter((r) => r.resource !== podsRef.resource || r.group !== "");
/** What is held up by finalizers of others is looked at again so often; the going of pods is told. */
const againMs = 2000;

export const startNamespaces: StartController = (context) => {
  const namespaces = context.informers.of(namespacesRef);
  const pods = context.informers.of(podsRef);
  const empty = emptier(context);
  const queue = controllerQueue(context, "namespace-controller", {
    workers: 5,
    async work(name) {
      const ns = namespaces.get(name);
      if (!ns?.metadata.deletionTimestamp) return;
      if (!(await empty(ns))) queue.add(name, againMs);
    },
  });
  const changed = (ns: Namespace): void => {
    if (ns.metadata.deletionTimestamp) queue.add(ns.metadata.name!);
  };
  namespaces.on({ added: changed, updated: changed });
  pods.on({
    deleted(pod) {
      const ns = namespaces.get(pod.metadata.namespace!);
      if (ns) changed(ns);
    },
  });
  return (signal) => queue.run(signal);
};

/** Deletes what there is; resolves with true when the namespace is let go. */
function emptier({ client, informers, now }: ControllerContext): (ns: Namespace) => Promise<boolean> {
  const namespaces = informers.of(namespacesRef);

  async function deleteAll(kinds: typeof namespacedKinds, namespace: string): Promise<Remaining[]> {
    return Promise.all(
      kinds.map(async (ref) => {
        const before = await client.list(ref, { namespace });
        if (before.items.length === 0) return { ref, objects: [] };
        await client.deleteCollection(ref, { namespace, propagationPolicy: "Background" });
        return { ref, objects: (await client.list(ref, { namespace })).items };
      }),
    );
  }

  async function note(ns: Namespace, remaining: Remaining[], failure: string | undefined): Promise<void> {
    const old = ns.status?.conditions ?? [];
    const conditions = deletionConditions(old, { remaining, failure, time: timestamp(now()) });
    if (!conditions) return;
    const status = { ...ns.status, phase: "Terminating", conditions };
    namespaces.wrote(await client.update(namespacesRef, { ...ns, status }, { subresource: "status" }));
  }

  async function finalize(name: string): Promise<void> {
    try {
      const ns = await client.get(namespacesRef, name);
      const finalizers = (ns.spec?.finalizers ?? []).filter((f) => f !== kubernetes);
      await client.update(
        namespacesRef,
        { ...ns, spec: { ...ns.spec, finalizers } },
        { subresource: "finalize" },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return async (ns) => {
    const name = ns.metadata.name!;
    if (!ns.spec?.finalizers?.includes(kubernetes)) return true;
    let remaining: Remaining[];
    try {
      remaining = await deleteAll([podsRef], name);
      if (remaining.every((r) => r.objects.length === 0)) remaining = await deleteAll(othersThanPods, name);
    } catch (error) {
      await note(ns, [], (error as Error).message).catch(() => {});
      throw error;
    }
    if (remaining.some((r) => r.objects.length > 0)) {
      await note(ns, remaining, undefined).catch((error) => {
        if (!isConflict(error)) throw error;
      });
      return false;
    }
    await finalize(name);
    return true;
  };
}
