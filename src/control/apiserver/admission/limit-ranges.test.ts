import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { limitRanges, persistentVolumeClaims, pods, serviceAccounts } from "../../../core/api/refs.ts";
import type { KubeObject } from "../../../core/api/types.ts";

const at = { namespace: "default" };
const pod = (name: string, resources: object = {}): KubeObject =>
  ({ metadata: { name }, spec: { containers: [{ name: "c", image: "i", resources }] } }) as KubeObject;

test("defaults are filled in, bounds are kept", async (t) => {
  const { client } = await startApiRig(t, []);
  await client.create(serviceAccounts, { metadata: { name: "default" } }, at);
  const limits = [
    {
      type: "Container",
      min: { cpu: "50m" },
      max: { cpu: "1" },
      default: { memory: "512Mi" },
      defaultRequest: { cpu: "100m" },
    },
    { type: "Pod", maxLimitRequestRatio: { cpu: "10" } },
    { type: "PersistentVolumeClaim", max: { storage: "2Gi" } },
  ];
  const range = await client.create(
    limitRanges,
    { metadata: { name: "l" }, spec: { limits } } as KubeObject,
    at,
  );
  assert.deepEqual(range.spec?.limits[0]?.default, { cpu: "1", memory: "512Mi" });
  assert.deepEqual(range.spec?.limits[0]?.defaultRequest, { cpu: "100m", memory: "512Mi" });
  const made = await client.create(pods, pod("a"), at);
  assert.deepEqual(made.spec?.containers[0]?.resources, {
    limits: { cpu: "1", memory: "512Mi" },
    requests: { cpu: "100m", memory: "512Mi" },
  });
  assert.equal(
    made.metadata.annotations?.["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c",
  );
  const rows: [object, string][] = [
    [
      { requests: { cpu: "10m" }, limits: { cpu: "50m" } },
      "minimum cpu usage per Container is 50m, but request is 10m",
    ],
    [
      { limits: { cpu: "2" }, requests: { cpu: "1" } },
      "maximum cpu usage per Container is 1, but limit is 2",
    ],
    [
      { requests: { cpu: "50m" } },
      "cpu max limit to request ratio per Pod is 10, but provided ratio is 20.000000",
    ],
  ];
  for (const [resources, message] of rows)
    await assert.rejects(client.create(pods, pod("b", resources), at), {
      message: `pods "b" is forbidden: ${message}`,
    });
  const claim = {
    metadata: { name: "c" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "3Gi" } } },
  };
  await assert.rejects(client.create(persistentVolumeClaims, claim as KubeObject, at), {
    message:
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  });
});

test("a range that contradicts itself", async (t) => {
  const { client } = await startApiRig(t, []);
  const make = (limits: object[]) =>
    client.create(limitRanges, { metadata: { name: "l" }, spec: { limits } } as KubeObject, at);
  await assert.rejects(
    make([{ type: "Container", min: { cpu: "2" }, max: { cpu: "1" } }]),
    /spec\.limits\[0\]\.min\[cpu\]: Invalid value: "2": min value 2 is greater than max value 1/,
  );
  await assert.rejects(
    make([{ type: "Pod", default: { cpu: "2" } }]),
    /may not be specified when `type` is 'Pod'/,
  );
  await assert.rejects(
    make([{ type: "Pod" }, { type: "Pod" }]),
    /spec\.limits\[1\]\.type: Duplicate value: "Pod"/,
  );
});
