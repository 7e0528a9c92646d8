import assert from "node:assert/strict";
import { test } from "node:test";
import { makePod, makeService } from "../../../../test/support/pod-objects.ts";
import type { Endpoints, Pod, Service } from "../../../core/api/types.ts";
import { decideEndpoints } from "./decide.ts";

const decide = (service: Service, pods: Pod[], existing?: Endpoints): Endpoints | undefined =>
  decideEndpoints(service, pods, { existing, triggerTime: undefined });
const shape = (e: Endpoints | undefined) =>
  (e?.subsets ?? []).map((s) => ({
    ready: (s.addresses ?? []).map((a) => a.ip),
    notReady: (s.notReadyAddresses ?? []).map((a) => a.ip),
    ports: (s.ports ?? []).map((p) => p.port),
  }));

const two = makeService({
  ports: [
    { name: "a", port: 80, targetPort: 8080, protocol: "TCP" },
    { name: "b", port: 90, targetPort: "named", protocol: "TCP" },
  ],
});

test("subsets", async (t) => {
  const named = [{ name: "named", port: 9090 }];
  const rows: [string, Service, Pod[], ReturnType<typeof shape>][] = [
    ["none", makeService(), [], []],
    [
      "ready and not, in order of address",
      makeService(),
      [
        makePod("x", { ip: "10.0.0.10" }),
        makePod("y", { ip: "10.0.0.9" }),
        makePod("z", { ip: "10.0.0.3", ready: false }),
      ],
      [{ ready: ["10.0.0.9", "10.0.0.10"], notReady: ["10.0.0.3"], ports: [8080] }],
    ],
    ["a terminating pod is gone", makeService(), [makePod("x", { dying: true })], []],
    [
      "published whatever its state",
      makeService({ publishNotReadyAddresses: true }),
      [makePod("x", { dying: true, ready: false })],
      [{ ready: ["10.0.0.1"], notReady: [], ports: [8080] }],
    ],
    [
      "ports of the same addresses share a subset",
      two,
      [makePod("x", { ports: named })],
      [{ ready: ["10.0.0.1"], notReady: [], ports: [8080, 9090] }],
    ],
    [
      "ports that only some pods have do not",
      two,
      [makePod("x", { ip: "10.0.0.1", ports: named }), makePod("y", { ip: "10.0.0.2" })],
      [
        { ready: ["10.0.0.1", "10.0.0.2"], notReady: [], ports: [8080] },
        { ready: ["10.0.0.1"], notReady: [], ports: [9090] },
      ],
    ],
    [
      "headless without ports",
      makeService({ clusterIP: "None", ports: [] }),
      [makePod("x")],
      [{ ready: ["10.0.0.1"], notReady: [], ports: [] }],
    ],
    [
      "the second family",
      makeService({ ipFamilies: ["IPv6", "IPv4"] }),
      [makePod("x", { ips: ["10.0.0.1", "fd00::1"] })],
      [{ ready: ["fd00::1"], notReady: [], ports: [8080] }],
    ],
  ];
  for (const [name, service, pods, expected] of rows)
    await t.test(name, () => assert.deepEqual(shape(decide(service, pods)), expected));
});

test("what is right is not written again; labels and hand-made changes are set right", () => {
  const pods = [makePod("a")];
  const first = decide(makeService(), pods)!;
  assert.deepEqual(first.metadata.labels, {
    team: "a",
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
  });
  assert.equal(decide(makeService(), pods, first), undefined);
  assert.ok(decide(makeService(), pods, { ...first, subsets: [] }));
  const headless = decide(makeService({ clusterIP: "None" }), pods, first)!;
  assert.equal(headless.metadata.labels?.["service.kubernetes.io/headless"], "");
});

test("beyond a thousand addresses the object says that it is cut", () => {
  const pods = Array.from({ length: 1100 }, (_, i) =>
    makePod(`p${i}`, { ip: `10.0.${i >> 8}.${i & 255}`, ready: i < 990 }),
  );
  const cut = decide(makeService(), pods)!;
  assert.deepEqual(
    [cut.subsets![0]!.addresses!.length, cut.subsets![0]!.notReadyAddresses!.length],
    [990, 10],
  );
  assert.equal(cut.metadata.annotations?.["endpoints.kubernetes.io/over-capacity"], "truncated");
  assert.equal(decide(makeService(), pods, cut), undefined);
  const whole = decide(makeService(), pods.slice(0, 1000), cut)!;
  assert.equal(whole.metadata.annotations?.["endpoints.kubernetes.io/over-capacity"], undefined);
});
