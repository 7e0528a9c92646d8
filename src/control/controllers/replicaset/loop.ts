// The loop of the ReplicaSet and ReplicationController controllers: claims pods, makes or deletes what is missing or too
// many, writes the status. Its own writes are in the cache before it looks again, so it never makes a pod twice.
import { pods as podsRef, type ResourceRef } from "../../../core/api/refs.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject, Pod } from "../../../core/api/types.ts";
import { eventSubject, type Informer, objectKey } from "../../client/mod.ts";
import {
  type ControllerContext,
  controllerQueue,
  controllerRecorder,
  isNamespaceTerminating,
} from "../context.ts";
import {
  byController,
  controllerOf,
  controllerRefTo,
  createPendingDeletions,
  indexByController,
  ownedBy,
  settleClaims,
  wakeOwners,
} from "../ownership/mod.ts";
import { podFromTemplate } from "../pods/mod.ts";
import { slowStart } from "../slow-start.ts";
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
  const { client, informers, now } = context;
  const recorder = controllerRecorder(context, kind.component);
  const owners: Informer<T> = informers.of(kind.ref);
  const pods = informers.of(podsRef);
  indexByController(owners);
  indexByController(pods);
  const leaving = createPendingDeletions({ client, ref: podsRef, informer: pods }, now);
  const queue = controllerQueue(context, kind.component, { work: reconcile });

  owners.on({
    added: (o) => queue.add(objectKey(o)),
    updated: (o) => queue.add(objectKey(o)),
    deleted: (o) => queue.add(objectKey(o)),
  });
  wakeOwners({ dependents: pods, owners, kind: kind.ref.kind, matches: kind.matches }, queue.add);

  /** The pods of all owners that share this one's controller: the ReplicaSets of one Deployment. */
  function relatedPods(owner: T): Pod[] {
    const family = controllerOf(owner) ? owners.byIndex("controller", byController(owner)[0]!) : [owner];
    return family.flatMap((o) => pods.byIndex("controller", o.metadata.uid!));
  }

  async function create(owner: T): Promise<void> {
    const pod = podFromTemplate(owner.spec!.template!, {
      ownerName: owner.metadata.name!,
      ownerReference: controllerRefTo(kind.ref, owner),
    });
    const subject = eventSubject(kind.ref, owner);
    try {
      const made = await client.create(podsRef, pod, { namespace: owner.metadata.namespace });
      pods.wrote(made);
      recorder.record(subject, {
        type: "Normal",
        reason: "SuccessfulCreate",
        message: `Created pod: ${made.metadata.name}`,
      });
    } catch (error) {
      if (!isNamespaceTerminating(error))
        recorder.record(subject, {
          type: "Warning",
          reason: "FailedCreate",
          message: `Error creating: ${(error as Error).message}`,
        });
      throw error;
    }
  }

  async function remove(owner: T, pod: Pod): Promise<void> {
    const say = (type: "Normal" | "Warning", reason: string, message: string): void =>
      recorder.record(eventSubject(kind.ref, owner), { type, reason, message });
    try {
      if (await leaving.remove(pod)) say("Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
    } catch (error) {
      say("Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Makes and deletes pods; returns what kept it from succeeding. */
  async function manage(owner: T, mine: Pod[]): Promise<{ failure?: ReplicaFailure; error?: unknown }> {
    const change = decideReplicas(owner, mine, {
      related: relatedPods(owner),
      nowMs: now(),
      leaving: leaving.has,
    });
    if (change.create > 0) {
      const { error } = await slowStart(change.create, () => create(owner));
      if (error === undefined || isNamespaceTerminating(error)) return {};
      return { failure: { reason: "FailedCreate", message: (error as Error).message }, error };
    }
    const results = await Promise.allSettled(change.remove.map((pod) => remove(owner, pod)));
    const failed = results.find((r) => r.status === "rejected");
    if (!failed) return {};
    return {
      failure: { reason: "FailedDelete", message: (failed.reason as Error).message },
      error: failed.reason,
    };
  }

  async function reconcile(key: string): Promise<void> {
    const owner = owners.get(key);
    if (!owner) return;
    const matches = (pod: Pod): boolean => kind.matches(owner, pod);
    await settleClaims({ client, ref: podsRef, informer: pods, ownerRef: kind.ref }, owner, matches);
    const { failure, error } = await manage(owner, ownedBy(pods, owner).filter(matches));
    const latest = owners.get(key);
    if (!latest || latest.metadata.uid !== owner.metadata.uid) return;
    const after = ownedBy(pods, owner).filter(matches);
    const { status, recheckMs } = replicaStatus(latest, after, {
      nowMs: now(),
      time: timestamp(now()),
      failure,
      hasTerminating: kind.hasTerminating,
    });
    if (!sameStatus(latest.status, status)) {
      const wrote = await client.update(kind.ref, { ...latest, status }, { subresource: "status" });
      owners.wrote(wrote);
    }
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    if (error !== undefined) throw error;
  }

  return (signal) => queue.run(signal);
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
