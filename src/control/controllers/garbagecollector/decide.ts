// What becomes of an object in view of its owners and dependents: it stays, loses owners, is deleted, or waits for what it
// owns (pkg/controller/garbagecollector; documentation "Owners and Dependents").
import type { KubeObject } from "../../../core/api/types.ts";

const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

/** `waiting`: being deleted in the foreground, after its dependents. `unknown`: of a kind that is not served. */
export type OwnerState = "solid" | "absent" | "waiting" | "unknown";

export type Collect =
  | { kind: "keep" }
  /** Its foreground deletion may end: nothing blocks it any more. */
  | { kind: "release"; finalizer: string }
  /** Its foreground deletion waits for these. */
  | { kind: "collect dependents"; dependents: KubeObject[] }
  /** Take it out of these dependents' owners, then release it. */
  | { kind: "orphan dependents"; dependents: KubeObject[] }
  /** These owners are gone or going; others stay. */
  | { kind: "drop owners"; uids: string[] }
  /** `unblock`: a circle of owners that wait for each other is broken here. */
  | { kind: "delete"; policy: "Background" | "Foreground" | "Orphan"; unblock: boolean };

const has = (obj: KubeObject, finalizer: string): boolean =>
  obj.metadata.finalizers?.includes(finalizer) ?? false;

export const isDeleting = (obj: KubeObject): boolean => obj.metadata.deletionTimestamp !== undefined;

/** Being deleted in the foreground. */
export const isWaitingForDependents = (obj: KubeObject): boolean =>
  isDeleting(obj) && has(obj, foregroundFinalizer);

const blocks = (dependent: KubeObject, uid: string): boolean =>
  dependent.metadata.ownerReferences?.some((r) => r.uid === uid && r.blockOwnerDeletion === true) ?? false;

export function decideCollect(
  obj: KubeObject,
  owners: ReadonlyMap<string, OwnerState>,
  dependents: readonly KubeObject[],
): Collect {
  const uid = obj.metadata.uid!;
  if (isDeleting(obj) && has(obj, orphanFinalizer))
    return { kind: "orphan dependents", dependents: [...dependents] };
  if (isWaitingForDependents(obj)) {
    const blocking = dependents.filter((d) => blocks(d, uid));
    return blocking.length === 0
      ? { kind: "release", finalizer: foregroundFinalizer }
      : { kind: "collect dependents", dependents: blocking };
  }
  if (isDeleting(obj)) return { kind: "keep" };
  const refs = obj.metadata.ownerReferences ?? [];
  if (refs.length === 0) return { kind: "keep" };
  const of = (...states: OwnerState[]): string[] =>
    refs.filter((r) => states.includes(owners.get(r.uid) ?? "unknown")).map((r) => r.uid);
  const gone = of("absent", "waiting");
  if (gone.length === 0) return { kind: "keep" };
  if (gone.length < refs.length) return { kind: "drop owners", uids: gone };
  if (of("waiting").length > 0 && dependents.length > 0)
    return { kind: "delete", policy: "Foreground", unblock: dependents.some(isWaitingForDependents) };
  const policy = has(obj, orphanFinalizer)
    ? "Orphan"
    : has(obj, foregroundFinalizer)
      ? "Foreground"
      : "Background";
  return { kind: "delete", policy, unblock: false };
}
