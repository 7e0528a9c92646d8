import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceRouting } from "../../core/network/mod.ts";
import { createHealthNodePorts } from "./health-node-ports.ts";
import type { HealthAnswer } from "./ports.ts";

const routing = (healthCheckNodePort: number | undefined, localEndpoints: number): ServiceRouting => ({
  key: "d/web",
  healthCheckNodePort,
  localEndpoints,
  ports: [],
});

test("ports open and close with the Services, and answers follow their endpoints", () => {
  const kernel = new Map<string, ServiceRouting[]>();
  const served: ReadonlyMap<number, () => HealthAnswer>[] = [];
  const ports = createHealthNodePorts(
    { serve: (of) => served.push(of), close() {} },
    { routings: (key) => kernel.get(key) ?? [], isHealthy: () => true },
  );
  const seen = () => [...served.at(-1)!].map(([port, answer]) => [port, answer().status]);

  kernel.set("d/plain", [routing(undefined, 3)]);
  ports.update(["d/plain"]);
  assert.equal(served.length, 0);

  // The family without endpoints beside the one that has them.
  kernel.set("d/web", [routing(31_000, 0), routing(31_000, 2)]);
  ports.update(["d/web"]);
  assert.deepEqual(seen(), [[31_000, 200]]);

  kernel.set("d/web", [routing(31_000, 0)]);
  ports.update(["d/web"]);
  assert.deepEqual([served.length, seen()], [1, [[31_000, 503]]]);

  kernel.set("d/web", [routing(31_001, 0)]);
  ports.update(["d/web"]);
  assert.deepEqual([served.length, seen()], [2, [[31_001, 503]]]);

  // Gone, which an update for another Service finds too.
  kernel.delete("d/web");
  ports.update(["d/plain"]);
  assert.deepEqual([served.length, seen()], [3, []]);
});
