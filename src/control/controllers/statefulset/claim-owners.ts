// Whose a claim is, by the retention policy of its StatefulSet: the set's while its deletion shall take the claim along, its
// pod's once that is no longer wanted and its going shall (KEP-1847, pkg/controller/statefulset stateful_set_utils.go).
import { pods as podsRef, statefulSets as setsRef } from "../../../core/api/refs.ts";
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../../core/api/types.ts";
import { controllerRefTo } from "../ownership/mod.ts";
import { firstOrdinal, ordinalOf } from "./stateful-pod.ts";

export interface ClaimOwners {
  /** What the claim's owners shall be; undefined: they are right, or not ours to change. */
  owners: OwnerReference[] | undefined;
  /** Another controller has the claim: the policy does not hold for it. */
  conflict: boolean;
}

const sameObject = (a: OwnerReference, b: OwnerReference): boolean =>
  a.apiVersion === b.apiVersion && a.kind === b.kind && a.name === b.name;

export function decideClaimOwners(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): ClaimOwners {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const refs = claim.metadata.ownerReferences ?? [];
  const [ofSet, ofPod] = [controllerRefTo(setsRef, set), controllerRefTo(podsRef, pod)];
  const own = refs.filter((r) => sameObject(r, ofSet) || sameObject(r, ofPod));
  // Of an object that was called so before: the garbage collector's.
  if (own.some((r) => r.uid !== ofSet.uid && r.uid !== ofPod.uid))
    return { owners: undefined, conflict: false };
  const others = refs.filter((r) => !own.includes(r));
  const [deletes, scales] = [whenDeleted === "Delete", whenScaled === "Delete"];
  const conflict = (deletes || scales) && others.some((r) => r.controller);
  const ordinal = ordinalOf(set, pod) ?? -1;
  const start = firstOrdinal(set);
  const unwanted = ordinal < start || ordinal >= start + (set.spec?.replicas ?? 1);
  const wanted: OwnerReference[] = [];
  if (!conflict && deletes && !(scales && unwanted)) wanted.push(ofSet);
  if (!conflict && scales && unwanted) wanted.push(ofPod);
  const right =
    own.length === wanted.length && wanted.every((w) => own.some((r) => r.uid === w.uid && r.controller));
  return { owners: right ? undefined : [...others, ...wanted], conflict };
}
