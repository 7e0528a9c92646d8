import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Node } from "../../core/api/types.ts";
import { healthAnswer, healthNodePortAnswer, isEligible } from "./health.ts";
import { createProgrammingLatency } from "./programming-latency.ts";

const tainted = (key: string): Node => ({
  metadata: { name: "n" },
  spec: { taints: [{ key, effect: "NoSchedule" }] },
});

describe("healthz", () => {
  const now = Date.parse("2026-01-01T00:01:40Z");
  const rows: [string, { lastUpdated: number | undefined; waitingSince: number | undefined }, 200 | 503][] = [
    ["before the first table", { lastUpdated: undefined, waitingSince: undefined }, 503],
    ["up to date", { lastUpdated: now - 3_600_000, waitingSince: undefined }, 200],
    ["a change waits a little", { lastUpdated: now - 1000, waitingSince: now - 59_000 }, 200],
    ["a change waits too long", { lastUpdated: now - 90_000, waitingSince: now - 61_000 }, 503],
  ];
  for (const [name, state, status] of rows)
    test(name, () => assert.equal(healthAnswer(state, now, { families: [] }).status, status));

  test("a node that is going: /healthz refuses, /livez does not; the bodies are kube-proxy's", () => {
    const state = { lastUpdated: now - 5000, waitingSince: undefined };
    const families = ["IPv4", "IPv6"];
    const ask = (nodeEligible?: boolean) => {
      const more = nodeEligible === undefined ? {} : { nodeEligible };
      const { status, body } = healthAnswer(state, now, { families, ...more });
      return [status, JSON.parse(body)];
    };
    const [then, currentTime] = ["2026-01-01T00:01:35.000Z", "2026-01-01T00:01:40.000Z"];
    const of = { lastUpdated: then, healthy: true };
    const rest = { currentTime, healthy: true, status: { IPv4: of, IPv6: of } };
    assert.deepEqual(ask(), [200, { lastUpdated: currentTime, ...rest }]);
    assert.deepEqual(ask(true), [200, { lastUpdated: currentTime, nodeEligible: true, ...rest }]);
    assert.deepEqual(ask(false), [503, { lastUpdated: then, nodeEligible: false, ...rest }]);
  });

  const nodes: [string, Node | undefined, boolean][] = [
    ["not there", undefined, false],
    ["there", { metadata: { name: "n" } }, true],
    ["being deleted", { metadata: { name: "n", deletionTimestamp: "2026-01-01T00:00:00Z" } }, false],
    ["tainted otherwise", tainted("node.kubernetes.io/unschedulable"), true],
    ["to be removed by the autoscaler", tainted("ToBeDeletedByClusterAutoscaler"), false],
  ];
  for (const [name, node, eligible] of nodes)
    test(`eligible: ${name}`, () => assert.equal(isEligible(node), eligible));
});

describe("health check node port", () => {
  const rows: [number, boolean, 200 | 503][] = [
    [2, true, 200],
    [0, true, 503],
    [2, false, 503],
  ];
  for (const [endpoints, healthy, status] of rows)
    test(`${endpoints} endpoints, proxy ${healthy ? "healthy" : "unhealthy"}`, () => {
      const answer = healthNodePortAnswer("ns/web", endpoints, healthy);
      assert.equal(answer.status, status);
      assert.deepEqual(JSON.parse(answer.body), {
        service: { namespace: "ns", name: "web" },
        localEndpoints: endpoints,
        serviceProxyHealthy: healthy,
      });
    });
});

test("programming latency counts each trigger once, from the proxy's start on", () => {
  const slice = (time: string | undefined) =>
    ({
      metadata: time ? { annotations: { "endpoints.kubernetes.io/last-change-trigger-time": time } } : {},
    }) as never;
  const latency = createProgrammingLatency(Date.parse("2026-01-01T00:00:10.900Z"));
  const one = slice("2026-01-01T00:00:11Z");
  latency.changed("a", slice("2026-01-01T00:00:09Z"), undefined);
  latency.changed("a", one, undefined);
  latency.changed("a", slice("2026-01-01T00:00:11Z"), one);
  latency.changed("a", slice(undefined), one);
  latency.changed("same second", slice("2026-01-01T00:00:10Z"), undefined);
  latency.changed("a", slice("nonsense"), one);
  const now = Date.parse("2026-01-01T00:00:11.250Z");
  assert.deepEqual(latency.settled(new Set(["b"]), now), []);
  assert.deepEqual(latency.settled(new Set(["a", "b"]), now), [250]);
  assert.deepEqual(latency.settled(new Set(["a"]), now), []);
  assert.deepEqual(latency.settled(new Set(["same second"]), now), [1250]);
});
