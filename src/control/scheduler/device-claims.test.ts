import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, ResourceClaim } from "../../core/api/types.ts";
import { ClusterView } from "./cluster-view.ts";
import { schedulePod } from "./decide.ts";
import type { DeviceClaimOf } from "./device-claims.ts";

const node = {
  metadata: { name: "n1" },
  status: { allocatable: { cpu: "2", memory: "4Gi", pods: "110" } },
} as Node;
const pod = (claim: object, status: object = {}): Pod =>
  ({
    metadata: { name: "p", namespace: "default", uid: "u" },
    spec: { containers: [{ name: "c" }], resourceClaims: [{ name: "gpu", ...claim }] },
    status,
  }) as Pod;
const claim = (metadata: object = {}): ResourceClaim =>
  ({ metadata: { name: "gpu-0", ...metadata }, spec: {} }) as ResourceClaim;
const only =
  (c: ResourceClaim): DeviceClaimOf =>
  (key) =>
    key === "default/gpu-0" ? c : undefined;
const none: DeviceClaimOf = () => undefined;
const unhelpful = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
const deallocated = `no new claims to deallocate, ${unhelpful}`;
const named = { resourceClaimName: "gpu-0" };
const template = { resourceClaimTemplateName: "gpus" };
const made = { resourceClaimStatuses: [{ name: "gpu", ...named }] };
const deletionTimestamp = "2026-01-01T00:00:00Z";

const rows: [name: string, pod: Pod, claims: DeviceClaimOf, message: string][] = [
  [
    "a claim that is not there",
    pod(named),
    none,
    `could not find ResourceClaim "default/gpu-0". ${deallocated}`,
  ],
  [
    "a claim on its way out",
    pod(named),
    only(claim({ deletionTimestamp })),
    `resourceclaim "gpu-0" is being deleted. ${deallocated}`,
  ],
  ["a claim", pod(named), only(claim()), `1 cannot allocate all claims. still not schedulable, ${unhelpful}`],
  ["a template", pod(template), none, `pod "default/p": ResourceClaim not created yet. ${deallocated}`],
  [
    "a template whose claim somebody made",
    pod(template, made),
    only(claim()),
    `1 cannot allocate all claims. still not schedulable, ${unhelpful}`,
  ],
];
for (const [name, p, deviceClaim, message] of rows)
  test(`a pod waits for devices of ${name}`, () => {
    const view = new ClusterView();
    view.putNode(node);
    assert.deepEqual(schedulePod(p, view, { random: () => 0, deviceClaim }), {
      kind: "unschedulable",
      message: `0/1 nodes are available: ${message}`,
    });
  });
