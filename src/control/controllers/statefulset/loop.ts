// The StatefulSet controller.
import {
  controllerRevisions,
  pods as podsRef,
  statefulSets as statefulSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { isAlreadyExists, isNotFound } from "../../../core/api/status.ts";
import type { Pod, StatefulSet } from "../../../core/api/types.ts";
import { eventSubject, objectKey } from "../../client/mod.ts";
import {
  controllerQueue,
  controllerRecorder,
  isNamespaceTerminating,
  type StartController,
} from "../context.ts";
import {
  createPendingDeletions,
  indexByController,
  ownedBy,
  settleClaims,
  wakeOwners,
} from "../ownership/mod.ts";
import { createRevisions, revisionHashLabel, revisionTemplate } from "../revisions/mod.ts";
import { sameJson } from "../same-json.ts";
import { decideStateful, type StatefulStep } from "./decide.ts";
import { ordinalOf, statefulPod } from "./stateful-pod.ts";

const component = "statefulset-controller";

export const startStatefulSets: StartController = (context) => {
  const { client, informers, now } = context;
  const sets = informers.of(statefulSetsRef);
  const pods = informers.of(podsRef);
  indexByController(pods);
  informers.of(controllerRevisions);
  const recorder = controllerRecorder(context, component);
  const revisions = createRevisions(context, statefulSetsRef);
  const leaving = createPendingDeletions(pods, now);
  const queue = controllerQueue(context, component, { work: reconcile });

  const add = (set: StatefulSet): void => queue.add(objectKey(set));
  sets.on({ added: add, updated: add, deleted: add });
  wakeOwners(
    {
      dependents: pods,
      owners: sets,
      kind: "StatefulSet",
      matches: (set, pod) => labelSelectorMatches(set.spec?.selector, pod.metadata.labels),
    },
    queue.add,
  );

  const say = (set: StatefulSet, type: "Normal" | "Warning", reason: string, message: string): void =>
    recorder.record(eventSubject(statefulSetsRef, set), { type, reason, message });

  async function create(
    set: StatefulSet,
    { ordinal, revision }: StatefulStep["create"][number],
  ): Promise<void> {
    const held = revisions.of(set).find((r) => r.metadata.name === revision);
    const template = held ? revisionTemplate(held) : set.spec!.template;
    const pod = statefulPod(set, ordinal, { template, revision });
    const what = `create Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    try {
      pods.wrote(await client.create<Pod>(podsRef, pod, { namespace: set.metadata.namespace }));
      say(set, "Normal", "SuccessfulCreate", `${what} successful`);
    } catch (error) {
      if (isAlreadyExists(error) || isNamespaceTerminating(error)) return;
      say(set, "Warning", "FailedCreate", `${what} failed error: ${(error as Error).message}`);
      throw error;
    }
  }

  async function remove(set: StatefulSet, pod: Pod): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    leaving.add(pod);
    try {
      await client.delete(podsRef, name!, { namespace, preconditions: { uid: uid! } });
      say(
        set,
        "Normal",
        "SuccessfulDelete",
        `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      );
    } catch (error) {
      if (isNotFound(error)) return;
      leaving.forget(pod);
      throw error;
    }
  }

  /** Claims cannot be made here; a set that needs them is told so instead of getting pods that never start. */
  function lacksClaims(set: StatefulSet): boolean {
    const [claim] = set.spec?.volumeClaimTemplates ?? [];
    if (!claim) return false;
    const pod = `${set.metadata.name}-${set.spec?.ordinals?.start ?? 0}`;
    say(
      set,
      "Warning",
      "FailedCreate",
      `create Claim ${claim.metadata?.name}-${pod} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: persistent volume claims are not served by this cluster`,
    );
    return true;
  }

  async function reconcile(key: string): Promise<void> {
    const found = sets.get(key);
    if (!found) return;
    const matches = (pod: Pod): boolean =>
      labelSelectorMatches(found.spec?.selector, pod.metadata.labels) && ordinalOf(found, pod) !== undefined;
    await settleClaims({ client, ref: podsRef, informer: pods, ownerRef: statefulSetsRef }, found, matches);
    if (found.metadata.deletionTimestamp) return;
    const updated = await revisions.sync(found, found.spec!.template);
    const set = sets.get(key);
    if (!set || set.metadata.uid !== found.metadata.uid) return;
    if (updated === "collided") {
      const status = {
        ...set.status,
        replicas: set.status?.replicas ?? 0,
        collisionCount: (set.status?.collisionCount ?? 0) + 1,
      };
      sets.wrote(await client.update(statefulSetsRef, { ...set, status }, { subresource: "status" }));
      return;
    }
    const update = updated.metadata.name!;
    const known = revisions.of(set).some((r) => r.metadata.name === set.status?.currentRevision);
    const current = known ? set.status!.currentRevision! : update;
    const decide = (): StatefulStep =>
      decideStateful({
        set,
        pods: ownedBy(pods, set).filter(matches),
        current,
        update,
        nowMs: now(),
        leaving: leaving.has,
      });
    const step = lacksClaims(set) ? { ...decide(), create: [] } : decide();
    const results = await Promise.allSettled([
      ...step.remove.map((p) => remove(set, p)),
      ...step.create.map((c) => create(set, c)),
    ]);
    const { status, recheckMs } = decide();
    if (!sameJson(set.status ?? {}, status))
      sets.wrote(await client.update(statefulSetsRef, { ...set, status }, { subresource: "status" }));
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    const failed = results.find((r) => r.status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const used = new Set(ownedBy(pods, set).map((p) => p.metadata.labels?.[revisionHashLabel]));
    await revisions.truncate(
      set,
      set.spec!.revisionHistoryLimit ?? 10,
      (r) => r.metadata.name === update || r.metadata.name === current || used.has(r.metadata.name),
    );
  }

  return (signal) => queue.run(signal);
};
