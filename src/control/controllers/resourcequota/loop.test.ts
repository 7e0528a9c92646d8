import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { configMaps, pods, resourceQuotas, serviceAccounts, services } from "../../../core/api/refs.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import { startResourceQuotas } from "./mod.ts";

const at = { namespace: "default" };
const pod = (name: string, resources: object = {}): KubeObject =>
  ({
    metadata: { name },
    spec: { automountServiceAccountToken: false, containers: [{ name: "c", image: "i", resources }] },
  }) as KubeObject;
const quota = (hard: object): KubeObject => ({ metadata: { name: "q" }, spec: { hard } }) as KubeObject;
const rig = (t: Parameters<typeof startApiRig>[0], hard: object) =>
  startApiRig(t, [startResourceQuotas], {
    async prepare(client) {
      await client.create(serviceAccounts, { metadata: { name: "default" } }, at);
      await client.create(resourceQuotas, quota(hard), at);
    },
  });
const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  assert.ok(error instanceof StatusError, "it was let through");
  assert.equal(error.code, 403);
  return error.message;
};

test("what is used is counted, and given back", async (t) => {
  const { client, context } = await rig(t, { pods: "2", "requests.cpu": "1", "count/configmaps": "5" });
  const { informers } = context;
  const used = () => informers.of(resourceQuotas).get("default/q")?.status?.used;
  await client.create(pods, pod("a", { requests: { cpu: "600m" } }), at);
  await client.create(configMaps, { metadata: { name: "c" } }, at);
  await eventually(() =>
    assert.deepEqual(used(), { "count/configmaps": "1", pods: "1", "requests.cpu": "600m" }),
  );
  assert.equal(
    await refusal(client.create(pods, pod("b", { requests: { cpu: "500m" } }), at)),
    'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  assert.equal(
    await refusal(client.create(pods, pod("b"), at)),
    'pods "b" is forbidden: failed quota: q: must specify requests.cpu for: c',
  );
  await client.delete(pods, "a", { ...at, gracePeriodSeconds: 0 });
  await eventually(() =>
    assert.deepEqual(used(), { "count/configmaps": "1", pods: "0", "requests.cpu": "0" }),
  );
  await client.create(pods, pod("b", { requests: { cpu: "500m" } }), at);
});

test("many at once do not share what is left", async (t) => {
  const { client } = await rig(t, { pods: "3" });
  const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
  const results = await Promise.allSettled(names.map((name) => client.create(pods, pod(name), at)));
  assert.equal(results.filter((r) => r.status === "fulfilled").length, 3);
  assert.equal((await client.list(pods, at)).items.length, 3);
  await client.delete(pods, (await client.list(pods, at)).items[0]!.metadata.name!, {
    ...at,
    gracePeriodSeconds: 0,
  });
  await client.create(pods, pod("after"), at);
});

test("a change that asks for more is held against the quota too", async (t) => {
  const { client } = await rig(t, { "services.nodeports": "1" });
  const service = {
    metadata: { name: "s" },
    spec: {
      ports: [
        { port: 1, name: "a" },
        { port: 2, name: "b" },
      ],
    },
  };
  await client.create(services, service as KubeObject, at);
  const patch = { spec: { type: "NodePort" } };
  assert.match(
    await refusal(client.patch(services, "s", patch, { ...at, type: "merge" })),
    /exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1/,
  );
});
