import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../../../core/api/types.ts";
import { adviseService, type Candidate, editDistance } from "./service-advice.ts";

const pod = (app: string, ...ports: string[]): Candidate => ({
  kind: "pod",
  labels: { app },
  spec: { containers: [{ name: "c", ports: ports.map((name) => ({ name, containerPort: 80 })) }] },
});
const service = (app: string, targetPort: string | number = 80): Service => ({
  metadata: { name: "s" },
  spec: { selector: { app }, ports: [{ port: 80, targetPort }] },
});

const slip = "spec.selector: no pod has app=ngnix; 2 pods have app=nginx";
const rows: [name: string, "CREATE" | "UPDATE", Service, Candidate[], string[]][] = [
  ["no pods yet", "CREATE", service("web"), [], []],
  ["it matches", "CREATE", service("web"), [pod("web"), pod("wep")], []],
  ["a slip of the pen", "CREATE", service("ngnix"), [pod("nginx"), pod("nginx"), pod("other")], [slip]],
  [
    "a slip of the pen, pods to come",
    "CREATE",
    service("fronted"),
    [{ ...pod("frontend"), kind: "template" }],
    ["spec.selector: no pod has app=fronted; a pod template has app=frontend"],
  ],
  ["another version, not there yet", "CREATE", service("web-v2"), [pod("web-v1")], []],
  ["another variant, not there yet", "CREATE", service("shop-a"), [pod("shop-b")], []],
  ["a longer name, not there yet", "CREATE", service("nginx"), [pod("nginx-svc")], []],
  ["other pods", "CREATE", service("frontend"), [pod("backend")], []],
  [
    "a longer name, changed by hand",
    "UPDATE",
    service("nginx"),
    [pod("nginx-svc")],
    ["spec.selector: no pod has app=nginx; 1 pod has app=nginx-svc"],
  ],
  ["a named port", "CREATE", service("web", "http"), [pod("web", "http")], []],
  ["a named port on one of two", "CREATE", service("web", "http"), [pod("web", "http"), pod("web")], []],
  [
    "a named port on none",
    "CREATE",
    service("web", "htpp"),
    [pod("web", "http", "metrics")],
    ['spec.ports[0].targetPort: no selected pod has a TCP port named "htpp" (they have http, metrics)'],
  ],
  [
    "a named port where none has a name",
    "UPDATE",
    service("web", "http"),
    [pod("web")],
    ['spec.ports[0].targetPort: no selected pod has a TCP port named "http" (they name none)'],
  ],
  ["a named port, no pods yet", "CREATE", service("web", "http"), [], []],
];
for (const [name, operation, s, candidates, wanted] of rows)
  test(`${operation}: ${name}`, () => assert.deepEqual(adviseService(s, candidates, operation), wanted));

test("edit distance with swaps", () => {
  const cases: [string, string, number][] = [
    ["abc", "abc", 0],
    ["ngnix", "nginx", 1],
    ["abc", "abcd", 1],
    ["abc", "axc", 1],
    ["abcd", "badc", 2],
    ["abc", "xyz", 3],
  ];
  for (const [a, b, d] of cases) assert.equal(editDistance(a, b, 2), d, `${a} ${b}`);
});
