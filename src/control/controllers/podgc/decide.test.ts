import assert from "node:assert/strict";
import { test } from "node:test";
import { makeNode, makePod } from "../../../../test/support/pod-objects.ts";
import { lostPods, missingNodes } from "./decide.ts";

test("a pod on a missing node is lost after the quarantine", () => {
  const pods = [makePod("here"), makePod("gone", { node: "away" })];
  const node = (name: string) => (name === "n1" ? makeNode("n1") : undefined);
  assert.deepEqual([...missingNodes(pods, node)], ["away"]);
  const lost = (ms: number) =>
    lostPods({ pods, node, missingForMs: () => ms }).map((l) => [l.pod.metadata.name, l.message]);
  assert.deepEqual(lost(39_999), []);
  assert.deepEqual(lost(40_000), [["gone", "PodGC: node no longer exists"]]);
});

test("a dying pod on a node out of service is lost, on a working one not", () => {
  const pods = [makePod("a", { dying: true })];
  const at = (ready: string) => () => ({
    ...makeNode("n1"),
    spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });
  assert.equal(lostPods({ pods, node: at("Unknown"), missingForMs: () => 0 }).length, 1);
  assert.equal(lostPods({ pods, node: at("True"), missingForMs: () => 0 }).length, 0);
});

test("finished pods beyond the threshold go, oldest first", () => {
  const pods = ["c", "a", "b"].map((name) => {
    const pod = makePod(name, { phase: "Succeeded" });
    pod.metadata.creationTimestamp = `2030-01-01T00:00:0${name.charCodeAt(0) - 97}Z`;
    return pod;
  });
  const lost = lostPods({ pods, node: () => makeNode("n1"), missingForMs: () => 0, threshold: 1 });
  assert.deepEqual(
    lost.map((l) => l.pod.metadata.name),
    ["a", "b"],
  );
});
