// One Deployment's reconciliation: its ReplicaSets are claimed, sized a step further, and its status written.
import {
  deployments as deploymentsRef,
  pods as podsRef,
  replicaSets as replicaSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { isAlreadyExists } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Deployment, ReplicaSet } from "../../../core/api/types.ts";
import { type ControllerContext, isNamespaceTerminating } from "../context.ts";
import type { KindLoop } from "../kind-loop.ts";
import {
  controllerOf,
  controllerRefTo,
  createPendingDeletions,
  ownedBy,
  settleClaims,
} from "../ownership/mod.ts";
import { sameJson } from "../same-json.ts";
import { isRollingUpdate } from "./bounds.ts";
import {
  currentAnnotations,
  expiredReplicaSets,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  sameTemplate,
  sizeAnnotations,
  splitReplicaSets,
} from "./revision.ts";
import {
  isScaled,
  newReplicaSetSize,
  oldPodsRun,
  type Resize,
  recreateShrink,
  rollingStep,
  scaleStep,
} from "./scaling.ts";
import {
  type ConditionText,
  conditionOf,
  countStatus,
  hasDeadline,
  isComplete,
  pauseCondition,
  recheckDeadlineMs,
  rolloutStatus,
  withCondition,
} from "./status.ts";
import { hashLabel, templateHash } from "./template-hash.ts";

/** Reconciles one Deployment; resolves with the milliseconds after which its deadline must be looked at. */
export function createRollout(
  { client, informers, now }: ControllerContext,
  { objects: deployments, say, writeStatus }: KindLoop<Deployment>,
): (key: string) => Promise<number | undefined> {
  const replicaSets = informers.of(replicaSetsRef);
  const pods = informers.of(podsRef);
  const leaving = createPendingDeletions({ client, ref: replicaSetsRef, informer: replicaSets }, now);

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

  async function resize(d: Deployment, { rs, to }: Resize): Promise<ReplicaSet> {
    const from = rs.spec?.replicas ?? 1;
    const annotations = { ...rs.metadata.annotations, ...sizeAnnotations(d) };
    if (from === to && sameJson(annotations, rs.metadata.annotations ?? {})) return rs;
    const next = { ...rs, metadata: { ...rs.metadata, annotations }, spec: { ...rs.spec!, replicas: to } };
    const wrote = await client.update(replicaSetsRef, next);
    replicaSets.wrote(wrote);
    if (from !== to)
      say(
        d,
        "Normal",
        "ScalingReplicaSet",
        `Scaled ${from < to ? "up" : "down"} replica set ${rs.metadata.name} from ${from} to ${to}`,
      );
    return wrote;
  }

  /** Brings the annotations of the current ReplicaSet up to date, and the Deployment's revision with them. */
  async function syncCurrent(
    d: Deployment,
    current: ReplicaSet,
    old: readonly ReplicaSet[],
  ): Promise<{ d: Deployment; current: ReplicaSet }> {
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

  /** Makes the ReplicaSet of the current template. Undefined: try again later. */
  async function createCurrent(
    d: Deployment,
    old: readonly ReplicaSet[],
  ): Promise<{ d: Deployment; current: ReplicaSet }> {
    const template = structuredClone(d.spec!.template);
    const hash = templateHash(template, d.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const replicas = newReplicaSetSize(d, 0, old);
    const revision = nextRevision(old);
    const { name, namespace } = d.metadata;
    const rs: ReplicaSet = {
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

  async function cleanUp(d: Deployment, old: readonly ReplicaSet[]): Promise<void> {
    for (const rs of expiredReplicaSets(d, old))
      await leaving.remove(rs, { propagationPolicy: "Background" });
  }

  /** The Deployment's own ReplicaSets as the cache has them now, split by the Deployment's template. */
  function sets(d: Deployment): { current: ReplicaSet | undefined; old: ReplicaSet[]; all: ReplicaSet[] } {
    const all = ownedBy(replicaSets, d).filter(
      (rs) => !leaving.has(rs) && labelSelectorMatches(d.spec?.selector, rs.metadata.labels),
    );
    return { ...splitReplicaSets(d, all), all };
  }

  /** Paused, or re-sized by its user: the total is set right, no rollout goes on. */
  async function syncSizes(d: Deployment): Promise<void> {
    let { current, old } = sets(d);
    if (current) ({ d, current } = await syncCurrent(d, current, old));
    for (const step of scaleStep(d, current, old)) await resize(d, step);
    if (d.spec?.paused) await cleanUp(d, old);
    const after = sets(d);
    await writeStatus(d, countStatus(d, after.current, after.all, timestamp(now())));
  }

  /** One step of the rollout; the events of what it does bring the next. */
  async function syncRollout(d: Deployment): Promise<Deployment> {
    let { current, old } = sets(d);
    if (!isRollingUpdate(d)) {
      const shrink = recreateShrink(old);
      for (const step of shrink) await resize(d, step);
      if (shrink.length > 0 || oldPodsRun(current, old, (rs) => ownedBy(pods, rs))) {
        if (current) ({ d } = await syncCurrent(d, current, old));
        return d;
      }
    }
    if (current) ({ d, current } = await syncCurrent(d, current, old));
    else ({ d, current } = await createCurrent(d, old));
    const steps = isRollingUpdate(d)
      ? rollingStep(d, current, old)
      : [{ rs: current, to: d.spec?.replicas ?? 1 }].filter((s) => (s.rs.spec?.replicas ?? 1) !== s.to);
    for (const step of steps) await resize(d, step);
    if (steps.length === 0 && isComplete(d, d.status ?? {})) await cleanUp(d, old);
    return d;
  }

  return async (key) => {
    let d = deployments.get(key);
    if (!d) return undefined;
    const selector = d.spec?.selector;
    if (!Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length) {
      say(
        d,
        "Warning",
        "SelectingAll",
        "This deployment is selecting all pods. A non-empty selector is required.",
      );
      return undefined;
    }
    const claimer = { client, ref: replicaSetsRef, informer: replicaSets, ownerRef: deploymentsRef };
    await settleClaims(claimer, d, (rs: ReplicaSet) => labelSelectorMatches(selector, rs.metadata.labels));
    const time = timestamp(now());
    if (d.metadata.deletionTimestamp) {
      const { current, all } = sets(d);
      await writeStatus(d, countStatus(d, current, all, time));
      return undefined;
    }
    const pause = pauseCondition(d);
    if (pause) d = await noteCondition(d, pause);
    if (d.spec?.paused || isScaled(d, sets(d).all)) {
      await syncSizes(d);
      return undefined;
    }
    d = await syncRollout(d);
    const { current, all } = sets(d);
    const status = rolloutStatus(d, current, { all, nowMs: now(), time });
    d = await writeStatus(d, status);
    return recheckDeadlineMs(d, status, now());
  };
}
