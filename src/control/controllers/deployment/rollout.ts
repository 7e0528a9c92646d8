// One Deployment's reconciliation: its ReplicaSets are claimed, sized a step further, and its status written.
import {
  deployments as deploymentsRef,
  pods as podsRef,
  replicaSets as replicaSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Deployment, ReplicaSet } from "../../../core/api/types.ts";
import type { ControllerContext } from "../context.ts";
import type { KindLoop } from "../kind-loop.ts";
import { createPendingDeletions, ownedBy, settleClaims } from "../ownership/mod.ts";
import { sameJson } from "../same-json.ts";
import { isRollingUpdate } from "./bounds.ts";
import { createCurrentSets } from "./current-set.ts";
import { expiredReplicaSets, sizeAnnotations, splitReplicaSets } from "./revision.ts";
import { isScaled, oldPodsRun, type Resize, recreateShrink, rollingStep, scaleStep } from "./scaling.ts";
import { countStatus, isComplete, pauseCondition, recheckDeadlineMs, rolloutStatus } from "./status.ts";

/** Reconciles one Deployment; resolves with the milliseconds after which its deadline must be looked at. */
export function createRollout(
  context: ControllerContext,
  loop: KindLoop<Deployment>,
): (key: string) => Promise<number | undefined> {
  const { client, informers, now } = context;
  const { objects: deployments, say, writeStatus } = loop;
  const replicaSets = informers.of(replicaSetsRef);
  const pods = informers.of(podsRef);
  const leaving = createPendingDeletions({ client, ref: replicaSetsRef, informer: replicaSets }, now);
  const { noteCondition, create: createCurrent, sync: syncCurrent } = createCurrentSets(context, loop);

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
