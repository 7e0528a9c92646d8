import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../../core/api/types.ts";
import { decideClaimOwners } from "./claim-owners.ts";

const set = (whenDeleted: string, whenScaled: string): StatefulSet =>
  ({
    metadata: { name: "db", uid: "s" },
    spec: { replicas: 1, persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } },
  }) as never;
const pod = (ordinal: number): Pod => ({ metadata: { name: `db-${ordinal}`, uid: `p${ordinal}` } }) as never;
const ref = (kind: string, name: string, uid: string, controller = true): OwnerReference => ({
  apiVersion: kind === "StatefulSet" ? "apps/v1" : "v1",
  kind,
  name,
  uid,
  ...(controller ? { controller: true, blockOwnerDeletion: true } : {}),
});
const ofSet = ref("StatefulSet", "db", "s");
const ofPod = ref("Pod", "db-1", "p1");
const other = ref("ConfigMap", "x", "x", false);
const boss = ref("ConfigMap", "boss", "b");
const [keep, drop] = ["Retain", "Delete"];

const rows: [
  name: string,
  whenDeleted: string,
  whenScaled: string,
  ordinal: number,
  before: OwnerReference[],
  after: OwnerReference[] | undefined,
][] = [
  ["kept: nobody's", keep, keep, 0, [], undefined],
  ["kept now: no longer the set's", keep, keep, 0, [ofSet], []],
  ["goes with the set", drop, keep, 0, [], [ofSet]],
  ["goes with the set, as it is", drop, keep, 0, [ofSet], undefined],
  ["beside owners that do not control it", drop, keep, 0, [other], [other, ofSet]],
  ["an owner that was made no controller", drop, keep, 0, [{ ...ofSet, controller: false }], [ofSet]],
  ["another controller has it", drop, keep, 0, [boss], undefined],
  ["another controller got it too", drop, keep, 0, [boss, ofSet], [boss]],
  ["another controller, and it is kept", keep, keep, 0, [boss], undefined],
  ["of a set of that name before", drop, keep, 0, [ref("StatefulSet", "db", "old")], undefined],
  ["of a pod of that name before", keep, drop, 1, [ref("Pod", "db-1", "old")], undefined],
  ["goes with an unwanted pod", keep, drop, 1, [], [ofPod]],
  ["not with a wanted one", keep, drop, 0, [], undefined],
  ["with the pod instead of the set", drop, drop, 1, [ofSet], [ofPod]],
  ["with the set while its pod is wanted", drop, drop, 0, [], [ofSet]],
];
for (const [name, whenDeleted, whenScaled, ordinal, before, after] of rows)
  test(name, () => {
    const claim = { metadata: { name: "c", ownerReferences: before } } as PersistentVolumeClaim;
    assert.deepEqual(decideClaimOwners(claim, set(whenDeleted, whenScaled), pod(ordinal)).owners, after);
  });

test("a conflict is told only where the policy wants the claim", () => {
  const claim = { metadata: { name: "c", ownerReferences: [boss] } } as PersistentVolumeClaim;
  assert.equal(decideClaimOwners(claim, set(drop, keep), pod(0)).conflict, true);
  assert.equal(decideClaimOwners(claim, set(keep, keep), pod(0)).conflict, false);
});
