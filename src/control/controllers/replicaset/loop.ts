// The loop of the ReplicaSet and ReplicationController controllers: claims pods, makes or deletes what is missing or too
// many, writes the status. Its own writes are in the cache before it looks again, so it never makes a pod twice.
import type { ResourceRef } from "../../../core/api/refs.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject, Pod } from "../../../core/api/types.ts";
import type { ControllerContext } from "../context.ts";
import { byController, controllerOf, indexByController, ownedBy } from "../ownership/mod.ts";
import { createPodOwner } from "../pod-owner.ts";
import { firstFailure } from "../settled.ts";
import { decideReplicas, type ReplicaFailure, type Replicator, replicaStatus } from "./decide.ts";

export interface ReplicatorKind<T extends Replicator & KubeObject> {
  ref: ResourceRef<T>;
  component: string;
  matches(owner: T, pod: Pod): boolean;
  /** Whether the status has terminatingReplicas. */
  hasTerminating: boolean;
}

export function startReplicators<T extends Replicator & KubeObject>(
  context: ControllerContext,
  kind: ReplicatorKind<T>,
): (signal: AbortSignal) => Promise<void> {
  const { now } = context;
  const loop = createPodOwner(context, { ...kind, reconcile });
  const { objects: owners, pods, leaving, mine, queue } = loop;
  indexByController(owners);

  /** The pods of all owners that share this one's controller: the ReplicaSets of one Deployment. */
  function relatedPods(owner: T): Pod[] {
    const family = controllerOf(owner) ? owners.byIndex("controller", byController(owner)[0]!) : [owner];
    return family.flatMap((o) => ownedBy(pods, o));
  }

  /** Makes and deletes pods; returns what kept it from succeeding. */
  async function manage(owner: T): Promise<{ failure?: ReplicaFailure; error?: unknown }> {
    const change = decideReplicas(owner, mine(owner), {
      related: relatedPods(owner),
      nowMs: now(),
      leaving: leaving.has,
    });
    const blank = (): Pod => loop.blank(owner, owner.spec!.template!);
    const error = await firstFailure(
      change.create > 0
        ? [loop.create(owner, change.create, blank)]
        : change.remove.map((pod) => loop.remove(owner, pod)),
    );
    if (error === undefined) return {};
    const reason = change.create > 0 ? "FailedCreate" : "FailedDelete";
    return { failure: { reason, message: (error as Error).message }, error };
  }

  async function reconcile(key: string): Promise<void> {
    const owner = owners.get(key);
    if (!owner) return;
    await loop.settle(owner);
    const { failure, error } = await manage(owner);
    const latest = owners.get(key);
    if (!latest || latest.metadata.uid !== owner.metadata.uid) return;
    const { status, recheckMs } = replicaStatus(latest, mine(owner), {
      nowMs: now(),
      time: timestamp(now()),
      failure,
      hasTerminating: kind.hasTerminating,
    });
    if (!sameStatus(latest.status, status)) await loop.writeStatus(latest, status);
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    if (error !== undefined) throw error;
  }

  return loop.run;
}

function sameStatus(a: Replicator["status"], b: NonNullable<Replicator["status"]>): boolean {
  const fields = (s: Replicator["status"]): unknown[] => [
    s?.replicas ?? 0,
    s?.fullyLabeledReplicas ?? 0,
    s?.readyReplicas ?? 0,
    s?.availableReplicas ?? 0,
    s?.terminatingReplicas,
    s?.observedGeneration ?? 0,
    (s?.conditions ?? []).map((c) => [c.type, c.status, c.reason, c.message]),
  ];
  return JSON.stringify(fields(a)) === JSON.stringify(fields(b));
}
