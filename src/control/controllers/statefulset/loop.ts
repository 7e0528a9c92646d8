// The StatefulSet controller.
import {
  persistentVolumeClaims as claimsRef,
  pods as podsRef,
  statefulSets as statefulSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { isAlreadyExists } from "../../../core/api/status.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../../core/api/types.ts";
import { isNamespaceTerminating, type StartController } from "../context.ts";
import { ownedBy } from "../ownership/mod.ts";
import { createPodOwner } from "../pod-owner.ts";
import { createRevisions, revisionHashLabel, revisionTemplate } from "../revisions/mod.ts";
import { firstFailure } from "../settled.ts";
import { type ClaimOwners, decideClaimOwners } from "./claim-owners.ts";
import { decideStateful, type StatefulStep } from "./decide.ts";
import { ordinalOf, stateClaims, statefulPod } from "./stateful-pod.ts";

const none: ClaimOwners = { owners: undefined, conflict: false };

export const startStatefulSets: StartController = (context) => {
  const { client, informers, now } = context;
  const claims = informers.of(claimsRef);
  const revisions = createRevisions(context, statefulSetsRef);
  const loop = createPodOwner(context, {
    ref: statefulSetsRef,
    component: "statefulset-controller",
    matches: (set, pod) =>
      labelSelectorMatches(set.spec?.selector, pod.metadata.labels) && ordinalOf(set, pod) !== undefined,
    reconcile,
  });
  const { objects: sets, pods, leaving, queue, say, writeStatus } = loop;

  async function create(
    set: StatefulSet,
    { ordinal, revision }: StatefulStep["create"][number],
  ): Promise<void> {
    const held = revisions.of(set).find((r) => r.metadata.name === revision);
    const template = held ? revisionTemplate(held) : set.spec!.template;
    const pod = statefulPod(set, ordinal, { template, revision });
    await createClaims(set, ordinal);
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
    if (!(await leaving.remove(pod))) return;
    const what = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    say(set, "Normal", "SuccessfulDelete", `${what} successful`);
  }

  /** Makes the claims of an ordinal that are not there. */
  async function createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    const { namespace, name } = set.metadata;
    for (const { claim } of stateClaims(set, ordinal)) {
      const claimName = claim.metadata.name!;
      const known = claims.get(`${namespace}/${claimName}`);
      if (known?.metadata.deletionTimestamp) throw new Error(`pvc ${claimName} is being deleted`);
      if (known) continue;
      const pod = `Pod ${name}-${ordinal} in StatefulSet ${name}`;
      try {
        claims.wrote(await client.create<PersistentVolumeClaim>(claimsRef, claim, { namespace }));
        say(set, "Normal", "SuccessfulCreate", `Create Claim ${claimName} ${pod} success`);
      } catch (error) {
        if (isAlreadyExists(error)) continue;
        const why = (error as Error).message;
        say(set, "Warning", "FailedCreate", `Create Claim ${claimName} for ${pod} failed error: ${why}`);
        throw error;
      }
    }
  }

  /** Gives the claims of a pod the owners that the retention policy wants; the garbage collector sees to the rest. */
  async function keepClaims(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace } = set.metadata;
    for (const { claim } of stateClaims(set, ordinalOf(set, pod)!)) {
      const known = claims.get(`${namespace}/${claim.metadata.name}`);
      const { owners, conflict } = known ? decideClaimOwners(known, set, pod) : none;
      if (!known || !owners) continue;
      if (conflict)
        say(
          set,
          "Warning",
          "ConflictingController",
          `PersistentVolumeClaim ${known.metadata.name} has another controller; the retention policy does not hold for it`,
        );
      const metadata = { ...known.metadata, ownerReferences: owners };
      claims.wrote(await client.update(claimsRef, { ...known, metadata }));
    }
  }

  async function reconcile(key: string): Promise<void> {
    const found = sets.get(key);
    if (!found) return;
    await loop.settle(found);
    if (found.metadata.deletionTimestamp) return;
    const updated = await revisions.sync(found, found.spec!.template);
    const set = sets.get(key);
    if (!set || set.metadata.uid !== found.metadata.uid) return;
    if (updated === "collided") {
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      await writeStatus(set, { ...set.status, replicas: set.status?.replicas ?? 0, collisionCount });
      return;
    }
    const update = updated.metadata.name!;
    const known = revisions.of(set).some((r) => r.metadata.name === set.status?.currentRevision);
    const current = known ? set.status!.currentRevision! : update;
    const decide = (): StatefulStep =>
      decideStateful({
        set,
        pods: loop.mine(set),
        current,
        update,
        nowMs: now(),
        leaving: leaving.has,
      });
    for (const pod of loop.mine(set)) await keepClaims(set, pod);
    const step = decide();
    const failure = await firstFailure([
      ...step.remove.map((p) => remove(set, p)),
      ...step.create.map((c) => create(set, c)),
    ]);
    const { status, recheckMs } = decide();
    await writeStatus(set, status);
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    if (failure !== undefined) throw failure;
    const used = new Set(ownedBy(pods, set).map((p) => p.metadata.labels?.[revisionHashLabel]));
    await revisions.truncate(
      set,
      set.spec!.revisionHistoryLimit ?? 10,
      (r) => r.metadata.name === update || r.metadata.name === current || used.has(r.metadata.name),
    );
  }

  return loop.run;
};
