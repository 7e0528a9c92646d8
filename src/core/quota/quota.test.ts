import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQuantity, printQuantity } from "../api/quantity/mod.ts";
import type { KubeObject, Pod, ResourceQuota } from "../api/types.ts";
import { countsFor, coversObject, exceeded, growth, quotaUsage, unspecified, usageOf } from "./mod.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const core = (plural: string) => ({ group: "", plural });
const pods = core("pods");
const pod = (spec: object = {}, more: object = {}): Pod =>
  ({ metadata: { name: "p" }, spec: { containers: [{ name: "c" }], ...spec }, ...more }) as unknown as Pod;
const asks = (requests: object, limits: object = {}): object => ({
  name: "c",
  resources: { requests, limits },
});
const quota = (hard: object, more: object = {}): ResourceQuota =>
  ({ metadata: { name: "q" }, spec: { hard, ...more } }) as unknown as ResourceQuota;
const text = (usage: ReadonlyMap<string, Parameters<typeof printQuantity>[0]>): string =>
  [...usage]
    .map(([n, q]) => `${n}=${printQuantity(q)}`)
    .sort()
    .join(" ");

const rows: [name: string, kind: ReturnType<typeof core>, object: object, expected: string][] = [
  ["a pod that asks for nothing", pods, pod(), "count/pods=1 pods=1"],
  [
    "a pod with requests, limits, an init container and a thing of its own",
    pods,
    pod({
      containers: [asks({ cpu: "100m", "example.com/gpu": "1" }, { memory: "1Gi" })],
      initContainers: [asks({ cpu: "1" })],
    }),
    "count/pods=1 cpu=1 limits.memory=1Gi pods=1 requests.cpu=1 requests.example.com/gpu=1",
  ],
  ["a pod that ended is only there", pods, pod({}, { status: { phase: "Failed" } }), "count/pods=1"],
  [
    "a pod that should be gone",
    pods,
    pod({}, { metadata: { deletionTimestamp: "2025-12-31T23:59:59Z" } }),
    "count/pods=1",
  ],
  [
    "a NodePort service",
    core("services"),
    { spec: { type: "NodePort", ports: [{ port: 1 }, { port: 2 }] } },
    "count/services=1 services.loadbalancers=0 services.nodeports=2 services=1",
  ],
  [
    "a claim of a class",
    core("persistentvolumeclaims"),
    { spec: { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } } },
    "count/persistentvolumeclaims=1 fast.storageclass.storage.k8s.io/persistentvolumeclaims=1 fast.storageclass.storage.k8s.io/requests.storage=1Gi persistentvolumeclaims=1 requests.storage=1Gi",
  ],
  ["a Deployment", { group: "apps", plural: "deployments" }, {}, "count/deployments.apps=1"],
];
for (const [name, kind, object, expected] of rows)
  test(`usage: ${name}`, () => {
    const usage = usageOf(kind, { metadata: {}, ...object } as KubeObject, now);
    assert.equal(text(usage), expected);
    for (const n of usage.keys()) assert.ok(countsFor(kind, n), n);
  });

test("scopes choose pods, and nothing but pods", () => {
  const best = pod({}, { status: { qosClass: "BestEffort" } });
  const ends = pod(
    { activeDeadlineSeconds: 5, priorityClassName: "high" },
    { status: { qosClass: "Burstable" } },
  );
  const scoped = (...scopes: string[]): ResourceQuota => quota({}, { scopes });
  const selected = (e: object): ResourceQuota => quota({}, { scopeSelector: { matchExpressions: [e] } });
  const cases: [ResourceQuota, Pod, boolean][] = [
    [scoped("BestEffort"), best, true],
    [scoped("BestEffort"), ends, false],
    [scoped("NotBestEffort", "Terminating"), ends, true],
    [scoped("NotTerminating"), ends, false],
    [selected({ scopeName: "PriorityClass", operator: "In", values: ["high"] }), ends, true],
    [selected({ scopeName: "PriorityClass", operator: "NotIn", values: ["high"] }), ends, false],
    [selected({ scopeName: "PriorityClass", operator: "Exists" }), best, false],
  ];
  for (const [q, p, expected] of cases)
    assert.equal(coversObject(q, pods, p), expected, JSON.stringify(q.spec));
  assert.equal(coversObject(scoped("NotTerminating"), core("secrets"), { metadata: {} }), false);
});

test("what does not fit is said in full", () => {
  const q = quota({ pods: "2", "requests.memory": "1Gi", secrets: "1" });
  const there = [pod(), pod({ containers: [asks({ memory: "768Mi" })] })];
  const used = quotaUsage(q, [pods], { objects: () => there, nowMs: now });
  assert.equal(text(used), "pods=2 requests.memory=768Mi secrets=0");
  const wanted = usageOf(pods, pod({ containers: [asks({ memory: "512Mi" })] }), now);
  assert.equal(
    exceeded(q, used, wanted),
    "exceeded quota: q, requested: pods=1,requests.memory=512Mi, used: pods=2,requests.memory=768Mi, limited: pods=2,requests.memory=1Gi",
  );
  assert.equal(exceeded(quota({ pods: "3" }), used, usageOf(pods, pod(), now)), undefined);
});

test("only what grows counts", () => {
  const map = (o: object): Map<string, ReturnType<typeof parseQuantity>> =>
    new Map(Object.entries(o).map(([k, v]) => [k, parseQuantity(v)]));
  assert.equal(text(growth(map({ a: "3", b: "1", c: "1" }), map({ a: "1", b: "1", d: "9" }))), "a=2 c=1");
});

test("containers that leave open what the quota counts are named", () => {
  const p = pod({ containers: [{ name: "b" }, { name: "a", resources: { requests: { cpu: "1" } } }] });
  assert.equal(
    unspecified(["limits.memory", "pods", "requests.cpu"], p),
    "must specify limits.memory for: a,b; requests.cpu for: b",
  );
  assert.equal(unspecified(["pods"], p), undefined);
});
