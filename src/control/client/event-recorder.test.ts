import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "../../core/api/refs.ts";
import { failure, notFound } from "../../core/api/status.ts";
import type { CoreEvent } from "../../core/api/types.ts";
import type { KubeClient } from "./client.ts";
import { createEventRecorder, eventSubject } from "./event-recorder.ts";

interface Call {
  verb: "create" | "patch";
  body: CoreEvent;
}

function recordingClient(refuse?: (call: Call) => Error | undefined): { client: KubeClient; calls: Call[] } {
  const calls: Call[] = [];
  async function on(call: Call): Promise<unknown> {
    calls.push(call);
    const error = refuse?.(call);
    if (error) throw error;
    return call.body;
  }
  const client = {
    create: (_: unknown, body: CoreEvent) => on({ verb: "create", body }),
    patch: (_: unknown, _name: string, body: CoreEvent) => on({ verb: "patch", body }),
  } as unknown as KubeClient;
  return { client, calls };
}

const pod = { metadata: { name: "web", namespace: "shop", uid: "u1", resourceVersion: "7" } };
const subject = eventSubject(pods, pod, "spec.containers{web}");

test("an event carries its subject, source and times", async () => {
  const { client, calls } = recordingClient();
  const recorder = createEventRecorder(client, { component: "kubelet", host: "node-1", now: () => 1000 });
  recorder.record(subject, { type: "Normal", reason: "Pulled", message: "there" });
  await recorder.flush();
  const event = calls[0]!.body;
  assert.match(event.metadata.name!, /^web\.[0-9a-f]+$/);
  assert.deepEqual(
    { ...event, metadata: { namespace: event.metadata.namespace } },
    {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace: "shop" },
      involvedObject: {
        apiVersion: "v1",
        kind: "Pod",
        namespace: "shop",
        name: "web",
        uid: "u1",
        resourceVersion: "7",
        fieldPath: "spec.containers{web}",
      },
      reason: "Pulled",
      message: "there",
      source: { component: "kubelet", host: "node-1" },
      firstTimestamp: "1970-01-01T00:00:01Z",
      lastTimestamp: "1970-01-01T00:00:01Z",
      count: 1,
      type: "Normal",
      reportingComponent: "kubelet",
      reportingInstance: "node-1",
    },
  );
});

test("a repeat counts up in place, and is created anew when it was deleted", async () => {
  const { client, calls } = recordingClient((c) =>
    c.verb === "patch" && c.body.count === 3 ? notFound({ group: "", resource: "events" }, "x") : undefined,
  );
  const recorder = createEventRecorder(client, { component: "kubelet" });
  for (let i = 0; i < 3; i++)
    recorder.record(subject, { type: "Warning", reason: "BackOff", message: "again" });
  await recorder.flush();
  assert.deepEqual(
    calls.map((c) => [c.verb, c.body.count]),
    [
      ["create", 1],
      ["patch", 2],
      ["patch", 3],
      ["create", 3],
    ],
  );
});

test("from the tenth similar event on, one combined event counts", async () => {
  const { client, calls } = recordingClient();
  const recorder = createEventRecorder(client, { component: "c" });
  for (let i = 1; i <= 12; i++)
    recorder.record(subject, { type: "Normal", reason: "Scaled", message: `to ${i}` });
  await recorder.flush();
  assert.deepEqual(
    calls.slice(8).map((c) => [c.verb, c.body.message, c.body.count]),
    [
      ["create", "to 9", 1],
      ["create", "(combined from similar events): to 10", 1],
      ["patch", "(combined from similar events): to 11", 2],
      ["patch", "(combined from similar events): to 12", 3],
    ],
  );
});

test("an object may burst 25 events, then one every five minutes", async () => {
  let now = 0;
  const { client, calls } = recordingClient();
  const recorder = createEventRecorder(client, { component: "c", now: () => now });
  const say = (): void => recorder.record(subject, { type: "Normal", reason: "R", message: "m" });
  for (let i = 0; i < 40; i++) say();
  await recorder.flush();
  assert.equal(calls.length, 25);
  now += 300_000;
  say();
  say();
  await recorder.flush();
  assert.equal(calls.length, 26);
});

test("a refusal is not repeated; no answer is", async () => {
  const errors: unknown[] = [];
  let n = 0;
  const { client, calls } = recordingClient(() =>
    n++ === 0 ? new Error("no route") : failure(403, "Forbidden", "no"),
  );
  const recorder = createEventRecorder(client, { component: "c", onError: (e) => errors.push(e) });
  recorder.record(subject, { type: "Normal", reason: "R", message: "m" });
  const keepAlive = setTimeout(() => {}, 5000);
  await recorder.flush();
  clearTimeout(keepAlive);
  assert.equal(calls.length, 2);
  assert.equal(errors.length, 1);
});
