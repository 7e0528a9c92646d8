import assert from "node:assert/strict";
import { test } from "node:test";
import { testSchema } from "../../../../test/support/schema.ts";
import { decodeValue, type ExpectedKind } from "../schema/mod.ts";
import type { StatusError } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { applyConfiguration, managerOf, trackUpdate } from "./mod.ts";

const schema = await testSchema();
const deployment: ExpectedKind = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  model: schema.model("V1Deployment")!,
};
const service: ExpectedKind = {
  group: "",
  version: "v1",
  kind: "Service",
  model: schema.model("V1Service")!,
};
const now = "2024-01-01T00:00:00Z";

// biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary objects.
type Any = any;

function apply(
  live: KubeObject | undefined,
  configuration: object,
  options: { manager?: string; force?: boolean; expected?: ExpectedKind } = {},
): Any {
  const expected = options.expected ?? deployment;
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  const before = JSON.stringify(live);
  const { object } = applyConfiguration({
    expected,
    live,
    configuration: { apiVersion, kind: expected.kind, ...configuration },
    fieldManager: options.manager ?? "m1",
    subresource: "",
    force: options.force ?? false,
    ignored: ["status"],
    now,
  });
  assert.equal(JSON.stringify(live), before, "the live object is left alone");
  return object;
}

function update(
  live: KubeObject | undefined,
  change: (o: Any) => void,
  manager = "kubectl",
  expected = deployment,
): Any {
  const next: Any = structuredClone(live ?? { metadata: {} });
  change(next);
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  const object = decodeValue(next, expected, "Strict").object;
  trackUpdate({
    model: expected.model,
    live,
    next: object,
    who: { manager, operation: "Update", apiVersion, subresource: "" },
    now,
  });
  return object;
}

const owners = (o: Any): Record<string, unknown> =>
  Object.fromEntries(
    (o.metadata.managedFields ?? []).map((e: Any) => [`${e.manager} ${e.operation}`, e.fieldsV1]),
  );

const web = (image: string): object => ({
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image, ports: [{ containerPort: 80 }] }] },
    },
  },
});

test("a create owns what it sets, in the words of Kubernetes", () => {
  const o = update(undefined, (n) => Object.assign(n, structuredClone(web("nginx"))));
  assert.deepEqual(o.metadata.managedFields, [
    {
      manager: "kubectl",
      operation: "Update",
      apiVersion: "apps/v1",
      time: now,
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:template": {
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": {
              "f:containers": {
                'k:{"name":"c"}': {
                  ".": {},
                  "f:name": {},
                  "f:image": {},
                  "f:ports": {
                    ".": {},
                    'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
                  },
                  "f:resources": {},
                },
              },
            },
          },
        },
      },
    },
  ]);
});

test("an update takes what it changes and loses nothing else; what is removed nobody owns", () => {
  let o = update(undefined, (n) => Object.assign(n, structuredClone(web("nginx"))), "creator");
  o = update(
    o,
    (n) => {
      n.spec.replicas = 5;
      delete n.metadata.labels;
    },
    "scaler",
  );
  const after: Any = owners(o);
  assert.deepEqual(after["scaler Update"], { "f:spec": { "f:replicas": {} } });
  assert.equal(after["creator Update"]["f:spec"]["f:replicas"], undefined);
  assert.equal(after["creator Update"]["f:metadata"], undefined);
  const same = update(o, () => {}, "nobody");
  assert.deepEqual(same.metadata.managedFields, o.metadata.managedFields);
});

test("an untracked object stays untracked, and can be made so", () => {
  const bare: Any = decodeValue(web("nginx"), deployment, "Strict").object;
  assert.equal(update(bare, (n) => (n.spec.replicas = 1)).metadata.managedFields, undefined);
  const tracked = update(undefined, (n) => Object.assign(n, structuredClone(web("nginx"))));
  assert.equal(update(tracked, (n) => (n.metadata.managedFields = [{}])).metadata.managedFields, undefined);
  const nonsense = update(
    tracked,
    (n) => (n.metadata.managedFields = [{ operation: "Apply", fieldsV1: { x: 1 } }]),
  );
  assert.deepEqual(
    nonsense.metadata.managedFields,
    tracked.metadata.managedFields,
    "what cannot be read is ignored",
  );
});

test("an applied object is owned by its applier, as far as the configuration goes", () => {
  const o = apply(undefined, web("nginx"));
  const fields: Any = owners(o)["m1 Apply"];
  assert.deepEqual(fields["f:metadata"], { "f:labels": { "f:app": {} } });
  assert.deepEqual(fields["f:spec"]["f:template"]["f:spec"]["f:containers"], {
    'k:{"name":"c"}': {
      "f:name": {},
      "f:image": {},
      "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { "f:containerPort": {}, ".": {} } },
      ".": {},
    },
  });
});

test("what is no longer applied goes, unless somebody else owns it", () => {
  let o = apply(undefined, web("nginx"));
  const second: Any = structuredClone(web("nginx"));
  o = apply(
    o,
    { metadata: { name: "web", labels: { extra: "1" } }, spec: { replicas: 3 } },
    { manager: "m2" },
  );
  delete second.spec.replicas;
  delete second.metadata.labels;
  delete second.spec.template.spec.containers[0].ports;
  o = apply(o, second);
  assert.equal(o.spec.replicas, 3, "m2 owns it too");
  assert.deepEqual(o.metadata.labels, { extra: "1" });
  assert.equal(o.spec.template.spec.containers[0].ports, undefined);
  o = apply(o, { metadata: { name: "web" } }, { manager: "m2" });
  assert.equal(o.spec.replicas, undefined);
  assert.equal(o.metadata.labels, undefined);
  assert.equal(owners(o)["m2 Apply"], undefined, "a manager of nothing is none");
});

test("an element of a keyed list goes as a whole, with the defaults that nobody owns", () => {
  const two: Any = structuredClone(web("nginx"));
  two.spec.template.spec.containers.push({ name: "d", image: "x" });
  let o = apply(undefined, two);
  for (const c of o.spec.template.spec.containers) c.imagePullPolicy = "Always";
  o = apply(o, web("nginx"));
  assert.deepEqual(
    o.spec.template.spec.containers.map((c: Any) => c.name),
    ["c"],
  );
  assert.equal(o.spec.template.spec.containers[0].imagePullPolicy, "Always");
});

test("an element that another manager owns a part of keeps that part", () => {
  const two: Any = structuredClone(web("nginx"));
  two.spec.template.spec.containers.push({ name: "d", image: "x", tty: true });
  let o = apply(undefined, two);
  o = update(o, (n) => (n.spec.template.spec.containers[1].image = "y"), "editor");
  o = apply(o, web("nginx"));
  assert.deepEqual(o.spec.template.spec.containers[1], { name: "d", image: "y", resources: {} });
});

test("a conflict names the field and its owner", () => {
  let o = apply(undefined, web("nginx"));
  o = update(o, (n) => (n.spec.replicas = 7), "kubectl-scale");
  const refusal = (configuration: object): StatusError => {
    try {
      apply(o, configuration);
    } catch (e) {
      return e as StatusError;
    }
    return assert.fail("no conflict");
  };
  const one = refusal(web("nginx"));
  assert.equal(one.code, 409);
  assert.equal(one.reason, "Conflict");
  assert.equal(
    one.message,
    'Apply failed with 1 conflict: conflict with "kubectl-scale" using apps/v1: .spec.replicas',
  );
  assert.deepEqual(one.status.details?.causes, [
    {
      reason: "FieldManagerConflict",
      message: 'conflict with "kubectl-scale" using apps/v1',
      field: ".spec.replicas",
    },
  ]);
  o = update(o, (n) => (n.spec.template.spec.containers[0].image = "other"), "kubectl-scale");
  assert.equal(
    refusal(web("nginx")).message,
    'Apply failed with 2 conflicts: conflicts with "kubectl-scale" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name="c"].image',
  );
  const forced = apply(o, web("nginx"), { force: true });
  assert.equal(forced.spec.replicas, 3);
  assert.equal(owners(forced)["kubectl-scale Update"], undefined);
});

test("appliers that agree share; changing a shared field conflicts", () => {
  let o = apply(undefined, web("nginx"));
  o = apply(o, web("nginx"), { manager: "m2" });
  assert.deepEqual(Object.keys(owners(o)).sort(), ["m1 Apply", "m2 Apply"]);
  assert.throws(() => apply(o, web("other"), { manager: "m2" }), /conflict with "m1": .spec.template/);
});

test("applying the same again changes nothing", () => {
  const o = apply(undefined, web("nginx"));
  const again = applyConfiguration({
    expected: deployment,
    live: o,
    configuration: { apiVersion: "apps/v1", kind: "Deployment", ...web("nginx") },
    fieldManager: "m1",
    subresource: "",
    force: false,
    ignored: ["status"],
    now: "2030-01-01T00:00:00Z",
  });
  assert.equal(again.changed, false);
  assert.deepEqual(again.object, o);
});

test("the first apply to an untracked object leaves the rest to before-first-apply", () => {
  const bare: Any = decodeValue(web("nginx"), deployment, "Strict").object;
  assert.throws(
    () => apply(bare, web("other")),
    /conflict with "before-first-apply" using apps\/v1: .spec.template.spec.containers\[name="c"\].image$/,
  );
  const o = apply(bare, web("nginx"));
  assert.deepEqual(Object.keys(owners(o)).sort(), ["before-first-apply Update", "m1 Apply"]);
});

test("the order of keyed lists: the configuration's, with the rest where it stood", () => {
  const named = (...names: string[]): object => ({
    spec: { template: { spec: { containers: names.map((name) => ({ name, image: "i" })) } } },
  });
  const live = apply(undefined, named("a", "b", "c"));
  const order = (o: Any): string[] => o.spec.template.spec.containers.map((c: Any) => c.name);
  assert.deepEqual(order(apply(live, named("c", "a"), { manager: "m2" })), ["b", "c", "a"]);
  assert.deepEqual(order(apply(live, named("x", "b"), { manager: "m2" })), ["a", "x", "b", "c"]);
});

test("atomic lists and maps are owned whole", () => {
  const o = apply(
    undefined,
    { metadata: { name: "s" }, spec: { selector: { a: "1", b: "2" }, ports: [{ port: 80 }] } },
    { expected: service },
  );
  const fields: Any = owners(o)["m1 Apply"];
  assert.deepEqual(fields["f:spec"]["f:selector"], {});
  const next = apply(
    o,
    { metadata: { name: "s" }, spec: { selector: { a: "1" }, ports: [{ port: 80 }] } },
    { expected: service },
  );
  assert.deepEqual(next.spec.selector, { a: "1" });
});

test("what cannot be typed is named by group, version and kind: the core group keeps its slash", () => {
  assert.throws(
    () =>
      apply(undefined, { metadata: { name: "s" }, spec: { selector: { a: false } } }, { expected: service }),
    /^StatusError: failed to create typed patch object \(\/s; \/v1, Kind=Service\): /,
  );
});

const refused: [name: string, configuration: object, code: number, message: RegExp][] = [
  [
    "an unknown field",
    { ...web("x"), spec: { foo: 1 } },
    500,
    /^failed to create typed patch object \(\/web; apps\/v1, Kind=Deployment\): .spec.foo: field not declared in schema$/,
  ],
  [
    "another version",
    { apiVersion: "v1" },
    400,
    /^Incorrect version specified in apply patch. Specified patch version: v1, expected: apps\/v1$/,
  ],
  ["managedFields", { metadata: { managedFields: [{}] } }, 400, /^metadata.managedFields must be nil$/],
  [
    "an element without any of its keys",
    { metadata: { name: "web" }, spec: { template: { spec: { containers: [{ image: "x" }] } } } },
    500,
    /associative list with keys has an element that omits all key fields \["name"\] \(and/,
  ],
  ["a wrong type", { metadata: { name: "web" }, spec: { replicas: "3" } }, 500, /cannot unmarshal string/],
];
for (const [name, configuration, code, message] of refused)
  test(`a configuration is refused: ${name}`, () => {
    assert.throws(
      () => apply(undefined, configuration),
      (e: StatusError) => e.code === code && message.test(e.message),
    );
  });

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
const ports = (...list: object[]): object => ({
  metadata: { name: "web" },
  spec: { ports: list, selector: { app: "<web>" } },
});
const annotatedService = (text?: string): Any =>
  update(
    undefined,
    (o) => {
      Object.assign(o, structuredClone(ports({ name: "a", port: 80, targetPort: 8080 })));
      const applied = { apiVersion: "v1", kind: "Service", ...structuredClone(o) };
      o.metadata.annotations = { [lastApplied]: text ?? JSON.stringify(applied) };
    },
    "kubectl-client-side-apply",
    service,
  );
const next = ports({ name: "a", port: 80, targetPort: 80 });

test("what client-side apply set is no conflict for kubectl, and its annotation is kept in step", () => {
  const live = annotatedService();
  const o = apply(live, next, { manager: "kubectl", expected: service });
  assert.equal(o.spec.ports[0].targetPort, 80);
  assert.equal(
    o.metadata.annotations[lastApplied],
    '{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"ports":[{"name":"a","port":80,"targetPort":80}],"selector":{"app":"\\u003cweb\\u003e"}}}\n',
  );
  assert.deepEqual(o, apply(o, next, { manager: "kubectl", expected: service }), "then nothing changes");
  assert.ok(!JSON.stringify(owners(o)["kubectl Apply"]).includes(lastApplied));
});

const conflicting: [string, Any, object, string][] = [
  ["for another manager", annotatedService(), next, "m1"],
  ["without a readable annotation", annotatedService("{"), next, "kubectl"],
  ["with an annotation of another kind's version", annotatedService('{"apiVersion":"v2"}'), next, "kubectl"],
  [
    "where somebody changed the field since",
    update(annotatedService(), (o) => (o.spec.ports[0].targetPort = 9090), "other", service),
    next,
    "kubectl",
  ],
];
for (const [name, live, configuration, manager] of conflicting)
  test(`a field of client-side apply is a conflict: ${name}`, () => {
    assert.throws(
      () => apply(live, configuration, { manager, expected: service }),
      (e: StatusError) => e.code === 409 && e.message.endsWith(".targetPort"),
    );
  });

test("an annotation that would be too long goes", () => {
  const big = { metadata: { name: "web", annotations: { big: "x".repeat(200_000) } } };
  const o = apply(annotatedService(), big, { manager: "kubectl", expected: service });
  assert.deepEqual(Object.keys(o.metadata.annotations), ["big"]);
});

test("an object without the annotation gets none", () => {
  const o = apply(undefined, next, { manager: "kubectl", expected: service });
  assert.equal(o.metadata.annotations, undefined);
});

test("more than ten updaters are put together", () => {
  let o = update(undefined, (n) => Object.assign(n, structuredClone(web("nginx"))), "m0");
  for (let i = 1; i < 15; i++) o = update(o, (n) => (n.metadata.labels[`l${i}`] = "x"), `m${i}`);
  const names = o.metadata.managedFields.map((e: Any) => e.manager);
  assert.equal(names.length, 10);
  assert.ok(names.includes("ancient-changes"));
});

test("a manager without a name is the user agent's first word", () => {
  assert.equal(managerOf("", "kubectl/v1.30 (linux)"), "kubectl");
  assert.equal(managerOf("me", "x/1"), "me");
  assert.equal(managerOf(undefined, undefined), "unknown");
});
