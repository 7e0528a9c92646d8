import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { pods, priorityClasses, serviceAccounts } from "../../../core/api/refs.ts";
import type { KubeObject } from "../../../core/api/types.ts";

const at = { namespace: "default" };
const pod = (name: string, spec: object = {}): KubeObject =>
  ({ metadata: { name }, spec: { containers: [{ name: "c", image: "i" }], ...spec } }) as KubeObject;
const priority = (name: string, value: number, more: object = {}): KubeObject =>
  ({ metadata: { name }, value, ...more }) as KubeObject;

test("a pod has the priority of its class", async (t) => {
  const { client } = await startApiRig(t, []);
  await client.create(serviceAccounts, { metadata: { name: "default" } }, at);
  const priorityOf = async (name: string, spec: object = {}) => {
    const made = await client.create(pods, pod(name, spec), at);
    return [made.spec?.priorityClassName, made.spec?.priority, made.spec?.preemptionPolicy];
  };
  assert.deepEqual(await priorityOf("none"), [undefined, 0, "PreemptLowerPriority"]);
  await client.create(priorityClasses, priority("high", 1000, { preemptionPolicy: "Never" }));
  const system = { priorityClassName: "system-node-critical" };
  assert.deepEqual(await priorityOf("a", { priorityClassName: "high" }), ["high", 1000, "Never"]);
  assert.deepEqual(await priorityOf("b", system), [
    system.priorityClassName,
    2_000_001_000,
    "PreemptLowerPriority",
  ]);
  await assert.rejects(priorityOf("c", { priorityClassName: "low" }), {
    message: 'pods "c" is forbidden: no PriorityClass with name low was found',
  });
  await assert.rejects(
    priorityOf("c", { priorityClassName: "high", priority: 3 }),
    /computed 1000 from the given/,
  );
  await client.create(priorityClasses, priority("usual", 10, { globalDefault: true }));
  assert.deepEqual(await priorityOf("d"), ["usual", 10, "PreemptLowerPriority"]);
  await assert.rejects(client.create(priorityClasses, priority("other", 1, { globalDefault: true })), {
    message:
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  });
});

test("classes that are not allowed", async (t) => {
  const { client } = await startApiRig(t, []);
  await assert.rejects(
    client.create(priorityClasses, priority("system-mine", 1)),
    /reserved for system use only/,
  );
  await assert.rejects(
    client.create(priorityClasses, priority("big", 1_000_000_001)),
    /maximum allowed value/,
  );
  await client.create(priorityClasses, priority("p", 1));
  await assert.rejects(
    client.patch(priorityClasses, "p", { value: 2 }, { type: "merge" }),
    /value: Forbidden: may not be changed in an update\./,
  );
});
