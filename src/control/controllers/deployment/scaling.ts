// Sizes of a Deployment's ReplicaSets: the next step of a rolling update or re-creation, and the sharing of a changed total
// in proportion (pkg/controller/deployment rolling.go, recreate.go, sync.go).
import type { Deployment, Pod, ReplicaSet } from "../../../core/api/types.ts";
import { isRollingUpdate, rollingBounds, wantedReplicas } from "./bounds.ts";
import { byCreation, desiredReplicas, maxReplicas } from "./revision.ts";

/** A ReplicaSet and the size that it shall have. */
export interface Resize {
  rs: ReplicaSet;
  to: number;
}

const size = (rs: ReplicaSet): number => rs.spec?.replicas ?? 1;
const available = (rs: ReplicaSet): number => rs.status?.availableReplicas ?? 0;
const total = (sets: readonly ReplicaSet[], of: (rs: ReplicaSet) => number): number =>
  sets.reduce((sum, rs) => sum + of(rs), 0);
const active = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((rs) => size(rs) > 0);

/** The size of the newest ReplicaSet as far as the surge allows. `others` are all the rest. */
export function newReplicaSetSize(d: Deployment, current: number, others: readonly ReplicaSet[]): number {
  const wanted = wantedReplicas(d);
  if (!isRollingUpdate(d)) return wanted;
  const room = wanted + rollingBounds(d).maxSurge - current - total(others, size);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/** The next step of a rolling update; empty when all that is left is to wait. */
export function rollingStep(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  const wanted = wantedReplicas(d);
  if (size(current) > wanted) return [{ rs: current, to: wanted }];
  if (size(current) < wanted) {
    const to = newReplicaSetSize(d, size(current), old);
    if (to !== size(current)) return [{ rs: current, to }];
  }
  return shrinkOld(d, current, old);
}

/** Takes from old ReplicaSets what may go: unhealthy pods first, then available ones down to the least allowed. */
function shrinkOld(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  const sets = active(old).sort(byCreation);
  if (sets.length === 0) return [];
  const least = wantedReplicas(d) - rollingBounds(d).maxUnavailable;
  const coming = size(current) - available(current);
  let mayGo = total(old, size) + size(current) - least - coming;
  if (mayGo <= 0) return [];
  const to = new Map(sets.map((rs) => [rs, size(rs)]));
  for (const rs of sets) {
    const unhealthy = Math.min(mayGo, size(rs) - available(rs));
    if (unhealthy <= 0) continue;
    to.set(rs, size(rs) - unhealthy);
    mayGo -= unhealthy;
  }
  let spare = total(old, available) + available(current) - least;
  for (const rs of sets) {
    const some = Math.min(to.get(rs)!, Math.max(0, spare));
    to.set(rs, to.get(rs)! - some);
    spare -= some;
  }
  return sets.filter((rs) => to.get(rs) !== size(rs)).map((rs) => ({ rs, to: to.get(rs)! }));
}

/** Re-creation: the old must be gone, pods included, before the new may come. */
export function oldPodsRun(
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  podsOf: (rs: ReplicaSet) => readonly Pod[],
): boolean {
  if (total(old, (rs) => rs.status?.replicas ?? 0) > 0) return true;
  const ended = (p: Pod): boolean => p.status?.phase === "Failed" || p.status?.phase === "Succeeded";
  return old.some((rs) => rs !== current && podsOf(rs).some((p) => !ended(p)));
}

export function recreateShrink(old: readonly ReplicaSet[]): Resize[] {
  return active(old).map((rs) => ({ rs, to: 0 }));
}

/** Somebody changed spec.replicas since the ReplicaSets were sized. */
export function isScaled(d: Deployment, sets: readonly ReplicaSet[]): boolean {
  return active(sets).some((rs) => {
    const desired = desiredReplicas(rs);
    return desired !== undefined && desired !== wantedReplicas(d);
  });
}

function isSaturated(d: Deployment, rs: ReplicaSet | undefined): boolean {
  const wanted = wantedReplicas(d);
  return (
    rs !== undefined && size(rs) === wanted && desiredReplicas(rs) === wanted && available(rs) === wanted
  );
}

/** Brings the total to the wanted number: one set alone takes it all, several in proportion to their sizes. */
export function scaleStep(
  d: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Resize[] {
  const all = current ? [...old, current] : [...old];
  const running = active(all);
  if (running.length < 2) {
    const only = running[0] ?? current ?? [...old].sort(byCreation).at(-1);
    return only && size(only) !== wantedReplicas(d) ? [{ rs: only, to: wantedReplicas(d) }] : [];
  }
  if (isSaturated(d, current)) return recreateShrink(old);
  return isRollingUpdate(d) ? proportions(d, running) : [];
}

function proportions(d: Deployment, running: readonly ReplicaSet[]): Resize[] {
  const wanted = wantedReplicas(d);
  const limit = wanted > 0 ? wanted + rollingBounds(d).maxSurge : 0;
  const change = limit - total(running, size);
  // The largest take most; of equals the newer grows first and the older shrinks first.
  const sets = [...running].sort((a, b) =>
    size(a) !== size(b) ? size(b) - size(a) : change > 0 ? byCreation(b, a) : byCreation(a, b),
  );
  let given = 0;
  const out = sets.map((rs) => {
    const share = change === 0 || given === change ? 0 : shareOf(d, rs, change - given);
    given += share;
    return { rs, to: size(rs) + share };
  });
  out[0]!.to = Math.max(0, out[0]!.to + change - given);
  return out;
}

function shareOf(d: Deployment, rs: ReplicaSet, left: number): number {
  const wanted = wantedReplicas(d);
  if (wanted === 0) return Math.max(-size(rs), left);
  const before = maxReplicas(rs) || d.status?.replicas || 0;
  if (before === 0) return 0;
  const exact = (size(rs) * (wanted + rollingBounds(d).maxSurge)) / before;
  const share = Math.round(exact) - size(rs);
  return left > 0 ? Math.min(share, left) : Math.max(share, left);
}
