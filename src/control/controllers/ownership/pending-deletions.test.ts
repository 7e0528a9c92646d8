import assert from "node:assert/strict";
import { test } from "node:test";
import { pods as podsRef } from "../../../core/api/refs.ts";
import { failure } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/api/types.ts";
import type { Informer, InformerHandler, KubeClient } from "../../client/mod.ts";
import { createPendingDeletions } from "./pending-deletions.ts";

const pod = (uid: string, more: object = {}): Pod => ({
  metadata: { name: "a", namespace: "ns", uid, ...more },
});

function world(refusal?: Error) {
  const calls: unknown[] = [];
  let handler: InformerHandler<Pod> = {};
  let time = 0;
  const client = {
    async delete(...call: unknown[]) {
      calls.push(call);
      if (refusal) throw refusal;
    },
  } as unknown as KubeClient;
  const informer = {
    on(h: InformerHandler<Pod>) {
      handler = h;
    },
  } as Informer<Pod>;
  const deletions = createPendingDeletions({ client, ref: podsRef, informer }, () => time);
  return { deletions, calls, handler, pass: (ms: number) => (time += ms) };
}

test("exactly this object is asked to go, and remembered until the cache shows it", async () => {
  const { deletions, calls, handler } = world();
  const a = pod("1");
  assert.equal(await deletions.remove(a, { propagationPolicy: "Background" }), true);
  const options = { namespace: "ns", propagationPolicy: "Background", preconditions: { uid: "1" } };
  assert.deepEqual(calls, [[podsRef, "a", options]]);
  assert.equal(deletions.has(a), true);
  assert.equal(deletions.has(pod("2")), false);
  handler.updated?.(a, a);
  assert.equal(deletions.has(a), true);
  handler.updated?.(pod("1", { deletionTimestamp: "2026-01-01T00:00:00Z" }), a);
  assert.equal(deletions.has(a), false);
});

test("what was gone already is still remembered; what was refused is not", async () => {
  const gone = world(failure(404, "NotFound", "no"));
  assert.equal(await gone.deletions.remove(pod("1")), false);
  assert.equal(gone.deletions.has(pod("1")), true);
  gone.handler.deleted?.(pod("1"));
  assert.equal(gone.deletions.has(pod("1")), false);
  const refused = world(failure(409, "Conflict", "no"));
  await assert.rejects(refused.deletions.remove(pod("1")), /no/);
  assert.equal(refused.deletions.has(pod("1")), false);
});

test("after five minutes the cache is believed again", async () => {
  const { deletions, pass } = world();
  await deletions.remove(pod("1"));
  pass(299_999);
  assert.equal(deletions.has(pod("1")), true);
  pass(1);
  assert.equal(deletions.has(pod("1")), false);
});
