import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeClient } from "../../../control/client/mod.ts";
import type { Pod, PodStatus } from "../../../core/api/types.ts";
import { createStatusWriter } from "./status-writer.ts";

function setUp(container: object) {
  const phases: string[] = [];
  const client = {
    async patch(_ref: unknown, _name: string, patch: { status: PodStatus }) {
      phases.push(patch.status.phase ?? "");
      await new Promise((r) => setTimeout(r, 2));
      return {};
    },
  } as unknown as KubeClient;
  const writer = createStatusWriter(client, { wrote() {}, log() {}, sessionMs: 30 });
  const pod = {
    metadata: { uid: "u", name: "p", namespace: "default" },
    spec: { containers: [{ name: "c", image: "i", ...container }] },
  } as Pod;
  const write = (phase: string): Promise<void> => writer.write(pod, { phase } as PodStatus);
  const wait = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
  return { phases, write, wait };
}
const session = { stdin: true, stdinOnce: true };

const rows: [string, object, string[]][] = [
  ["a pod for one session that ends at once is never told to run", session, ["Pending", "Succeeded"]],
  ["another pod is told at once", { stdin: true }, ["Pending", "Running", "Succeeded"]],
];
for (const [name, container, expected] of rows)
  test(name, async () => {
    const { phases, write, wait } = setUp(container);
    await write("Pending");
    void write("Running");
    await wait(10);
    await write("Succeeded");
    assert.deepEqual(phases, expected);
  });

test("a session that goes on is told to run after a moment, and everything else at once", async () => {
  const { phases, write, wait } = setUp(session);
  await write("Pending");
  void write("Running");
  await wait(15);
  assert.deepEqual(phases, ["Pending"]);
  await wait(60);
  assert.deepEqual(phases, ["Pending", "Running"]);
  void write("Succeeded");
  await wait(10);
  assert.deepEqual(phases, ["Pending", "Running", "Succeeded"]);
});

test("readiness that somebody else changed is written again, once, and never because of old news", async () => {
  const written: string[] = [];
  let revision = 10;
  const client = {
    async patch(_ref: unknown, _name: string, patch: { status: PodStatus }) {
      written.push(patch.status.conditions![0]!.status);
      return { metadata: { resourceVersion: String(++revision) } };
    },
  } as unknown as KubeClient;
  const writer = createStatusWriter(client, { wrote() {}, log() {} });
  const status = (ready: string) =>
    ({ phase: "Running", conditions: [{ type: "Ready", status: ready }] }) as PodStatus;
  const pod = (resourceVersion: number, ready: string): Pod => ({
    metadata: { uid: "u", name: "p", namespace: "default", resourceVersion: String(resourceVersion) },
    spec: { containers: [{ name: "c" }] },
    status: status(ready),
  });
  await writer.write(pod(10, "False"), status("True"));
  writer.seen(pod(10, "False"));
  writer.seen(pod(11, "True"));
  assert.deepEqual(written, ["True"]);
  writer.seen(pod(12, "False"));
  writer.seen(pod(12, "False"));
  await new Promise((r) => setTimeout(r, 5));
  assert.deepEqual(written, ["True", "True"]);
});
