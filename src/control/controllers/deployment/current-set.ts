// The ReplicaSet of a Deployment's current template: made, or found and brought up to date, and what the Deployment notes of it.
import { deployments as deploymentsRef, replicaSets as replicaSetsRef } from "../../../core/api/refs.ts";
import { isAlreadyExists } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Deployment, ReplicaSet } from "../../../core/api/types.ts";
import { type ControllerContext, isNamespaceTerminating } from "../context.ts";
import type { KindLoop } from "../kind-loop.ts";
import { controllerOf, controllerRefTo } from "../ownership/mod.ts";
import { sameJson } from "../same-json.ts";
import {
  currentAnnotations,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  sameTemplate,
} from "./revision.ts";
import { newReplicaSetSize } from "./scaling.ts";
import { type ConditionText, conditionOf, hasDeadline, withCondition } from "./status.ts";
import { hashLabel, templateHash } from "./template-hash.ts";

interface CurrentSet {
  /** The Deployment as it is after its status and revision were noted. */
  d: Deployment;
  current: ReplicaSet;
}

export interface CurrentSets {
  /** Brings the annotations of the current ReplicaSet up to date, and the Deployment's revision with them. */
  sync(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<CurrentSet>;
  /** Makes the ReplicaSet of the current template. Throws what the API refused. */
  create(d: Deployment, old: readonly ReplicaSet[]): Promise<CurrentSet>;
  noteCondition(d: Deployment, text: ConditionText): Promise<Deployment>;
}

function newReplicaSet(d: Deployment, replicas: number, revision: bigint): ReplicaSet {
  const template = structuredClone(d.spec!.template);
  const hash = templateHash(template, d.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const { name, namespace } = d.metadata;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      namespace: namespace!,
      labels,
      annotations: currentAnnotations(d, undefined, revision),
      ownerReferences: [controllerRefTo(deploymentsRef, d)],
    },
    spec: {
      replicas,
      ...(d.spec?.minReadySeconds ? { minReadySeconds: d.spec.minReadySeconds } : {}),
      selector: {
        ...d.spec!.selector,
        matchLabels: { ...d.spec!.selector.matchLabels, [hashLabel]: hash },
      },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

export function createCurrentSets(
  { client, informers, now }: ControllerContext,
  { objects: deployments, say, writeStatus }: KindLoop<Deployment>,
): CurrentSets {
  const replicaSets = informers.of(replicaSetsRef);

  function noteCondition(d: Deployment, text: ConditionText): Promise<Deployment> {
    const conditions = withCondition(d.status?.conditions ?? [], text, timestamp(now()));
    return writeStatus(d, { ...d.status, conditions });
  }

  /** Through the status endpoint, as elsewhere annotations of a Deployment count as a change of its generation. */
  async function noteRevision(d: Deployment, revision: string): Promise<Deployment> {
    if (d.metadata.annotations?.[revisionAnnotation] === revision) return d;
    const patch = { metadata: { uid: d.metadata.uid, annotations: { [revisionAnnotation]: revision } } };
    const { name, namespace } = d.metadata;
    const at = { namespace, subresource: "status", type: "merge" } as const;
    const wrote = await client.patch(deploymentsRef, name!, patch, at);
    deployments.wrote(wrote);
    return wrote;
  }

  async function sync(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<CurrentSet> {
    const annotations = currentAnnotations(d, current, nextRevision(old));
    const minReadySeconds = d.spec?.minReadySeconds ?? 0;
    let latest = current;
    const stale = (current.spec?.minReadySeconds ?? 0) !== minReadySeconds;
    if (stale || !sameJson(annotations, current.metadata.annotations ?? {})) {
      latest = await client.update(replicaSetsRef, {
        ...current,
        metadata: { ...current.metadata, annotations },
        spec: { ...current.spec!, minReadySeconds },
      });
      replicaSets.wrote(latest);
    }
    let deployment = await noteRevision(d, String(revisionOf(latest)));
    if (hasDeadline(deployment) && !conditionOf(deployment.status, "Progressing"))
      deployment = await noteCondition(deployment, {
        type: "Progressing",
        status: "True",
        reason: "FoundNewReplicaSet",
        message: `Found new replica set "${latest.metadata.name}"`,
      });
    return { d: deployment, current: latest };
  }

  async function create(d: Deployment, old: readonly ReplicaSet[]): Promise<CurrentSet> {
    const { namespace } = d.metadata;
    const replicas = newReplicaSetSize(d, 0, old);
    const revision = nextRevision(old);
    const rs = newReplicaSet(d, replicas, revision);
    let made: ReplicaSet;
    try {
      made = await client.create(replicaSetsRef, rs, { namespace });
    } catch (error) {
      if (isAlreadyExists(error)) return { d, current: await nameTaken(d, rs.metadata.name!, error) };
      if (!isNamespaceTerminating(error)) await creationFailed(d, rs.metadata.name!, error);
      throw error;
    }
    replicaSets.wrote(made);
    if (replicas > 0)
      say(
        d,
        "Normal",
        "ScalingReplicaSet",
        `Scaled up replica set ${made.metadata.name} from 0 to ${replicas}`,
      );
    let deployment = await noteRevision(d, String(revision));
    if (hasDeadline(d))
      deployment = await noteCondition(deployment, {
        type: "Progressing",
        status: "True",
        reason: "NewReplicaSetCreated",
        message: `Created new replica set "${made.metadata.name}"`,
      });
    return { d: deployment, current: made };
  }

  /** The name is in use: by our own earlier creation, which is fine, or by another template, which asks for another name. */
  async function nameTaken(d: Deployment, name: string, error: unknown): Promise<ReplicaSet> {
    const there = await client.get(replicaSetsRef, name, { namespace: d.metadata.namespace });
    if (controllerOf(there)?.uid === d.metadata.uid && sameTemplate(there.spec?.template, d.spec?.template)) {
      replicaSets.wrote(there);
      return there;
    }
    await writeStatus(d, { ...d.status, collisionCount: (d.status?.collisionCount ?? 0) + 1 });
    throw error;
  }

  async function creationFailed(d: Deployment, name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${(error as Error).message}`;
    say(d, "Warning", "ReplicaSetCreateError", message);
    if (hasDeadline(d))
      await noteCondition(d, {
        type: "Progressing",
        status: "False",
        reason: "ReplicaSetCreateError",
        message,
      });
  }

  return { sync, create, noteCondition };
}
