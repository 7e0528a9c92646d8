import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testSchema } from "../../../../test/support/schema.ts";
import type { StatusError } from "../status.ts";
import { countKeys, countKeysInText, parseJsonSlowly } from "./json-text.ts";
import { decodeJson, decodeValue, type ExpectedKind, type FieldValidation } from "./mod.ts";
import { parseYaml } from "./yaml.ts";

const schema = await testSchema();
const expect = (kind: string, group = "", version = "v1"): ExpectedKind => ({
  group,
  version,
  kind,
  model: schema.model(`V1${kind}`)!,
});
const pod = expect("Pod");
const service = expect("Service");
const deployment = expect("Deployment", "apps");

function decode(expected: ExpectedKind, text: string, mode: FieldValidation = "Strict"): unknown {
  return decodeJson(text, expected, mode).object;
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (e) {
    assert.equal((e as StatusError).code, 400);
    assert.equal((e as StatusError).reason, "BadRequest");
    return (e as Error).message;
  }
  return assert.fail("was not refused");
}

test("a decoded object is what Go would encode again", () => {
  const text = `{"metadata":{"name":"a","creationTimestamp":null,"labels":{},"annotations":{"x":""}},
    "spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1000m","memory":1048576}},"tty":false,
    "ports":[{"containerPort":80,"hostPort":0}],"livenessProbe":{"httpGet":{"port":"web"},"initialDelaySeconds":0}}],
    "hostNetwork":false,"terminationGracePeriodSeconds":0,"volumes":[{"name":"v","emptyDir":{}}]}}`;
  assert.deepEqual(decode(pod, text), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", annotations: { x: "" } },
    spec: {
      containers: [
        {
          name: "c",
          image: "i",
          resources: { limits: { cpu: "1", memory: "1048576" } },
          ports: [{ containerPort: 80 }],
          livenessProbe: { httpGet: { port: "web" } },
        },
      ],
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: "v", emptyDir: {} }],
    },
    status: {},
  });
  assert.deepEqual(decode(service, '{"spec":{"ports":[{"port":80,"targetPort":0}]}}'), {
    apiVersion: "v1",
    kind: "Service",
    metadata: {},
    spec: { ports: [{ port: 80, targetPort: 0 }] },
    status: { loadBalancer: {} },
  });
});

const strict: [name: string, expected: ExpectedKind, text: string, errors: string][] = [
  ["a field", pod, '{"spec":{"foo":1}}', 'unknown field "spec.foo"'],
  ["case matters", pod, '{"Spec":{}}', 'unknown field "Spec"'],
  [
    "in a list",
    pod,
    '{"spec":{"containers":[{"name":"a"},{"nme":"b"}]}}',
    'unknown field "spec.containers[1].nme"',
  ],
  [
    "__proto__",
    pod,
    '{"__proto__":{"spec":1},"spec":{"constructor":{}}}',
    'unknown field "__proto__", unknown field "spec.constructor"',
  ],
  [
    "in the order of the text",
    deployment,
    `{"spec":{"unknown1":"v","unknownDupe":"a","unknownDupe":"b","paused":true,"paused":false,
      "template":{"spec":{"containers":[{"name":"n","unknownNested":1,"imagePullPolicy":"A","imagePullPolicy":"B"}]}}}}`,
    'unknown field "spec.unknown1", unknown field "spec.unknownDupe", duplicate field "spec.paused", unknown field "spec.template.spec.containers[0].unknownNested", duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
  ],
  ["a label twice", pod, '{"metadata":{"labels":{"a":"1","a":"2"}}}', 'duplicate field "metadata.labels.a"'],
];
for (const [name, expected, text, errors] of strict)
  test(`strict decoding tells of unknown and repeated fields: ${name}`, () => {
    const message = `${expected.kind} in version "v1" cannot be handled as a ${expected.kind}: strict decoding error: ${errors}`;
    assert.equal(
      refusal(() => decode(expected, text)),
      message,
    );
    assert.deepEqual(decodeJson(text, expected, "Warn").warnings.join(", "), errors);
    const ignored = decodeJson(text, expected, "Ignore");
    assert.deepEqual(ignored.warnings, []);
    assert.ok(!JSON.stringify(ignored.object).includes("nknown"));
  });

const misfits: [name: string, expected: ExpectedKind, text: string, error: string][] = [
  [
    "a string for a list",
    pod,
    '{"spec":{"containers":"x"}}',
    "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
  ],
  [
    "a string for a number, deep",
    pod,
    '{"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}}',
    "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
  ],
  [
    "a number for a string of a named type",
    service,
    '{"spec":{"ports":[{"protocol":6}]}}',
    "json: cannot unmarshal number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol",
  ],
  [
    "a fraction",
    deployment,
    '{"spec":{"replicas":1.5}}',
    "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
  ],
  [
    "a map of the wrong values",
    pod,
    '{"metadata":{"labels":{"a":1}}}',
    "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
  ],
  [
    "a struct",
    pod,
    '{"spec":[]}',
    "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec",
  ],
  [
    "a quantity",
    pod,
    '{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}',
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
  [
    "an int-or-string",
    service,
    '{"spec":{"ports":[{"port":1,"targetPort":true}]}}',
    "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
  ],
  [
    "a time",
    pod,
    '{"metadata":{"deletionTimestamp":"yesterday"}}',
    'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
  ],
  ["base64", expect("Secret"), '{"data":{"a":"a*=="}}', "illegal base64 data at input byte 1"],
];
for (const [name, expected, text, error] of misfits)
  test(`a value of the wrong type is refused in every mode: ${name}`, () => {
    for (const mode of ["Strict", "Warn", "Ignore"] as const)
      assert.equal(
        refusal(() => decode(expected, text, mode)),
        `${expected.kind} in version "v1" cannot be handled as a ${expected.kind}: ${error}`,
      );
  });

const unreadable: [name: string, text: string, error: string][] = [
  ["nothing", "", "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"],
  [
    "half an object",
    '{"a":',
    `couldn't get version/kind; json parse error: unexpected end of JSON input ({"a":)`,
  ],
  [
    "no JSON",
    "hello",
    "couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value (68656c6c6f)",
  ],
  [
    "a trailing comma",
    '{"a":1,}',
    `couldn't get version/kind; json parse error: invalid character '}' looking for beginning of object key string ({"a":1,})`,
  ],
  [
    "a control character",
    '{"a":"\n"}',
    `couldn't get version/kind; json parse error: invalid character '\\n' in string literal ({"a":"\n"})`,
  ],
];
for (const [name, text, error] of unreadable)
  test(`a body that is no JSON is refused in Go's words: ${name}`, () => {
    assert.equal(
      refusal(() => decode(pod, text)),
      `the object provided is unrecognized (must be of type Pod): ${error}`,
    );
  });

test("another kind or version is refused", () => {
  const isKnown = (apiVersion: string, kind: string): boolean =>
    schema.modelOfKind(apiVersion, kind) !== undefined;
  assert.equal(
    refusal(() => decode({ ...pod, isKnown }, '{"kind":"Deployment","apiVersion":"apps/v1"}')),
    'Deployment in version "v1" cannot be handled as a Pod: converting (v1.Deployment) to (core.Pod): unknown conversion',
  );
  assert.match(
    refusal(() => decode(pod, '{"kind":"Foo","apiVersion":"v1"}')),
    /^Foo in version "v1" cannot be handled as a Pod: no kind "Foo" is registered for version "v1"/,
  );
  assert.equal(
    refusal(() => decode(deployment, '{"kind":"Deployment","apiVersion":"v1"}')),
    "the API version in the data (v1) does not match the expected API version (apps/v1)",
  );
});

test("deep nesting neither overflows nor passes", () => {
  const deep = (n: number): string => `${"[".repeat(n)}${"]".repeat(n)}`;
  assert.match(
    refusal(() => decode(pod, `{"x":${deep(5000)}}`)),
    /unknown field "x"/,
  );
  assert.match(
    refusal(() => decode(pod, `{"x":${deep(20000)}}`)),
    /exceeded max depth/,
  );
  assert.match(
    refusal(() => decode(pod, deep(20000))),
    /json: cannot unmarshal array/,
  );
  assert.match(
    refusal(() => decode(pod, "[".repeat(100000))),
    /exceeded max depth/,
  );
  const revision = expect("ControllerRevision", "apps");
  assert.match(
    refusal(() => decode(revision, `{"data":{"x":${deep(5000)}}}`, "Ignore")),
    /exceeded max depth/,
  );
});

test("a key named __proto__ stays a key", () => {
  const object = decode(expect("ConfigMap"), '{"data":{"__proto__":"x","constructor":"y"}}');
  assert.equal(
    JSON.stringify(object),
    '{"data":{"__proto__":"x","constructor":"y"},"apiVersion":"v1","kind":"ConfigMap","metadata":{}}'.replace(
      /^\{(.*),"apiVersion":"v1","kind":"ConfigMap","metadata":\{\}\}$/,
      '{$1,"metadata":{},"apiVersion":"v1","kind":"ConfigMap"}',
    ),
  );
});

test("every message decodes from nothing", () => {
  for (const name of schema.names) {
    const model = schema.model(name)!;
    if (!model.isList)
      assert.ok(decodeValue({}, { group: "", version: "v1", kind: "X", model }, "Strict"), name);
  }
});

test("YAML is decoded, and repeated keys are told of", () => {
  const yaml = parseYaml("spec:\n  replicas: 2\n  replicas: 3\n  paused: yes\n");
  assert.deepEqual(yaml.strictErrors, [
    'yaml: unmarshal errors:\n  line 3: key "replicas" already set in map',
  ]);
  assert.match(
    refusal(() => parseYaml("a: [1")),
    /^error converting YAML to JSON: yaml: line 1: /,
  );
});

test("hostile YAML is refused", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefg"]
    .map((c, i, all) =>
      i === 0
        ? c
        : `${c}: &${c} [${Array(9)
            .fill(`*${i === 1 ? "a" : all[i - 1]}`)
            .join(",")}]`,
    )
    .join("\n");
  for (const text of [bomb, "[".repeat(50_000), "a: *nobody", "[a]: b", "a:\n\t- b"])
    assert.match(
      refusal(() => parseYaml(text)),
      /^error converting YAML to JSON: yaml: /,
    );
  const many = Array.from({ length: 20_000 }, (_, i) => `k${i}: v`).join("\n");
  assert.deepEqual(parseYaml(many).strictErrors, []);
});

// Any JSON in the shape of a message, often right and sometimes not.
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, "", "a", "10m", 0, 1, -1, 1.5, true, false, [], {}),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        "metadata",
        "spec",
        "status",
        "name",
        "labels",
        "ports",
        "containers",
        "port",
        "env",
        "x",
        "__proto__",
      ),
      tie("value"),
      { maxKeys: 5 },
    ),
  ),
})).value;

test("property: what was decoded decodes to itself, in silence", () => {
  fc.assert(
    fc.property(json, fc.constantFrom(pod, service, deployment), (value, expected) => {
      let first: ReturnType<typeof decodeJson>;
      try {
        first = decodeJson(JSON.stringify(value), expected, "Warn");
      } catch (e) {
        assert.equal((e as StatusError).code, 400);
        return;
      }
      const text = JSON.stringify(first.object);
      assert.equal(JSON.stringify(decodeJson(text, expected, "Strict").object), text);
    }),
    { numRuns: 500 },
  );
});

test("property: text is JSON for us where it is for JSON.parse, and means the same", () => {
  const texts = fc.oneof(
    fc.json(),
    fc
      .array(
        fc.constantFrom("{", "}", "[", "]", ":", ",", '"a"', "1", "-", ".", "e", "true", "null", " ", "\\"),
        { maxLength: 12 },
      )
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      let wanted: { value: unknown } | undefined;
      try {
        wanted = { value: JSON.parse(text) };
      } catch {}
      let found: { value: unknown } | undefined;
      try {
        found = { value: parseJsonSlowly(text).value };
      } catch (e) {
        assert.equal((e as Error).name, "JsonSyntaxError");
      }
      assert.deepEqual(found, wanted);
      if (wanted && typeof wanted.value === "object") {
        const repeats = parseJsonSlowly(text).keys.size > 0;
        assert.equal(countKeysInText(text) !== countKeys(wanted.value), repeats, text);
      }
    }),
    { numRuns: 1000 },
  );
});
