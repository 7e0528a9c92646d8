import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdviceInput } from "../../../core/advice/mod.ts";
import type { Pod, Service } from "../../../core/api/types.ts";
import { createTroubled } from "./troubled.ts";

const service = (n: number, namespace = "d"): Service => ({
  metadata: { name: `s-${n}`, namespace },
  spec: { selector: { app: `a-${n}` }, ports: [{ port: 80 }] },
});
const input = (s: Service, pods: Pod[] = []): AdviceInput => ({
  ...{ service: s, pods, templates: [], slices: [], sharing: [], nodes: [], hosts: [] },
  probeFailure: () => undefined,
  surroundings: () => ({ candidates: [], elsewhere: [] }),
});

test("a pod wakes the Services of its namespace that select nothing, unless they are many", () => {
  const troubled = createTroubled();
  for (let n = 0; n < 50; n++) troubled.judge(service(n), input(service(n)));
  troubled.judge(service(1, "other"), input(service(1, "other")));
  assert.equal([...troubled.lonely("d")].length, 50);
  assert.deepEqual([...troubled.lonely("other")], ["other/s-1"]);
  troubled.judge(service(50), input(service(50)));
  assert.deepEqual([...troubled.lonely("d")], [], "thousands must not be judged for one pod");
  troubled.forget("d/s-50");
  const pod: Pod = { metadata: { name: "p", namespace: "d" }, status: { phase: "Running" } };
  troubled.judge(service(0), input(service(0), [pod]));
  assert.equal([...troubled.lonely("d")].length, 49, "one that selects a pod is lonely no more");
});
