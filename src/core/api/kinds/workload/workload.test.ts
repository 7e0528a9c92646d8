import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import type { ResourceDefinition } from "../../resource.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { Deployment, KubeObject, ReplicationController } from "../../types.ts";
import { deployment, replicaSet, replicationController } from "./mod.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "a:1" }] },
};

function made<T extends KubeObject>(d: ResourceDefinition<T>, spec: object): T {
  const o = { metadata: { name: "web", namespace: "default", resourceVersion: "1" }, spec } as unknown as T;
  d.setDefaults!(o);
  d.prepareForCreate!(o, ctx);
  return o;
}
const spec = (more: object = {}) =>
  structuredClone({ selector: { matchLabels: { app: "web" } }, template, ...more });
const errors = <T extends KubeObject>(d: ResourceDefinition<T>, s: object): string[] =>
  d.validate!(made(d, s), ctx).map(fieldErrorMessage);

test("defaults of a Deployment", () => {
  const d = made<Deployment>(deployment, spec());
  assert.equal(d.spec!.replicas, 1);
  assert.deepEqual(d.spec!.strategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" },
  });
  assert.equal(d.spec!.revisionHistoryLimit, 10);
  assert.equal(d.spec!.progressDeadlineSeconds, 600);
  assert.equal(d.spec!.template.spec!.restartPolicy, "Always");
  assert.equal(d.metadata.generation, 1);
});

test("a ReplicationController takes selector and labels from its template", () => {
  const r = made<ReplicationController>(replicationController, { template: structuredClone(template) });
  assert.deepEqual(r.spec!.selector, { app: "web" });
  assert.deepEqual(r.metadata.labels, { app: "web" });
  assert.deepEqual(r.status, { replicas: 0 });
  assert.deepEqual(replicationController.validate!(r, ctx), []);
});

const mismatch =
  'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`';
const deployments: [name: string, spec: object, messages: string[]][] = [
  ["a valid one", spec(), []],
  ["no selector", { template: structuredClone(template) }, ["spec.selector: Required value"]],
  [
    "empty selector",
    spec({ selector: {} }),
    ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
  ],
  ["selector of other labels", spec({ selector: { matchLabels: { app: "db" } } }), [mismatch]],
  [
    "selector by expressions",
    spec({ selector: { matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }] } }),
    [],
  ],
  [
    "unknown operator",
    spec({ selector: { matchExpressions: [{ key: "app", operator: "Like", values: ["web"] }] } }),
    [
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
      mismatch,
    ],
  ],
  [
    "negative replicas",
    spec({ replicas: -1 }),
    ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  ],
  [
    "restart policy Never",
    spec({ template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } }),
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  [
    "no containers",
    spec({ template: { metadata: template.metadata, spec: { containers: [] } } }),
    ["spec.template.spec.containers: Required value"],
  ],
  [
    "unknown strategy",
    spec({ strategy: { type: "Canary" } }),
    [
      'spec.strategy: Unsupported value: {"Type":"Canary","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ],
  ],
  [
    "Recreate with rollingUpdate",
    spec({ strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    "neither surge nor unavailable",
    spec({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } }),
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  ],
  [
    "unavailable of more than all",
    spec({ strategy: { rollingUpdate: { maxUnavailable: "101%" } } }),
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  ],
  [
    "surge that is no percentage",
    spec({ strategy: { rollingUpdate: { maxSurge: "many" } } }),
    [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
  ],
  [
    "deadline below minReadySeconds",
    spec({ minReadySeconds: 60, progressDeadlineSeconds: 60 }),
    ["spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds"],
  ],
];
for (const [name, s, expected] of deployments)
  test(`Deployment: ${name}`, () => assert.deepEqual(errors(deployment, s), expected));

test("the selector is immutable", () => {
  const old = made<Deployment>(deployment, spec());
  const d = structuredClone(old);
  d.spec!.selector = { matchLabels: { app: "db" } };
  d.spec!.template.metadata!.labels = { app: "db" };
  deployment.prepareForUpdate!(d, old, ctx);
  assert.equal(d.metadata.generation, 2);
  assert.deepEqual(deployment.validateUpdate!(d, old, ctx).map(fieldErrorMessage), [
    'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
  ]);
});

test("annotations of a Deployment count as a change, but not through its status", () => {
  const old = made<Deployment>(deployment, spec());
  const d = structuredClone(old);
  d.metadata.annotations = { a: "b" };
  const status = structuredClone(d);
  deployment.prepareForUpdate!(d, old, ctx);
  assert.equal(d.metadata.generation, 2);
  deployment.prepareForStatusUpdate!(status, old, ctx);
  assert.deepEqual([status.metadata.generation, status.metadata.annotations], [1, { a: "b" }]);
});

test("labels of a Deployment do not count as a change of its spec; status is kept", () => {
  const old = made<Deployment>(deployment, spec());
  old.status = { replicas: 1 };
  const d = structuredClone(old);
  d.metadata.labels = { a: "b" };
  d.status = { replicas: 9 };
  deployment.prepareForUpdate!(d, old, ctx);
  assert.equal(d.metadata.generation, 1);
  assert.deepEqual(d.status, { replicas: 1 });
});

test("ReplicationController without template", () =>
  assert.deepEqual(errors(replicationController, { selector: { a: "b" } }), [
    "spec.template: Required value",
  ]));

test("status counts must fit", () => {
  const old = made(replicaSet, spec());
  const r = structuredClone(old);
  r.status = { replicas: 1, readyReplicas: 2, availableReplicas: 1 };
  assert.deepEqual(replicaSet.validateStatusUpdate!(r, old).map(fieldErrorMessage), [
    "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
  ]);
});

test("scale", () => {
  const d = made<Deployment>(deployment, spec({ replicas: 3 }));
  assert.equal(deployment.scale!.selector(d), "app=web");
  deployment.scale!.setReplicas(d, 5);
  assert.equal(deployment.scale!.replicas(d), 5);
});

test("columns", () => {
  const d = made<Deployment>(deployment, spec({ replicas: 3 }));
  d.status = { replicas: 3, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 };
  const cells = deployment.columns.map((c) => c.cell(d, 0));
  assert.deepEqual(cells, ["web", "2/3", 3, 1, "<unknown>", "c", "a:1", "app=web"]);
});

test("warnings: a name that is no label, a template with doubled ports", () => {
  const s = spec();
  const ports = [{ containerPort: 80 }, { containerPort: 80 }];
  Object.assign(s.template.spec.containers[0]!, { ports });
  const d = made<Deployment>(deployment, s);
  d.metadata.name = "web.example";
  assert.deepEqual(deployment.warnings!(d, undefined), [
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    "spec.template.spec.containers[0].ports[1]: duplicate port definition with spec.template.spec.containers[0].ports[0]",
  ]);
});
