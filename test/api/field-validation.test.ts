// What kube-apiserver says of unknown and repeated fields, for every way of writing an object: word for word and in order.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const valid = (name: string): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, labels: { app: "x" } },
  spec: {
    selector: { matchLabels: { app: "x" } },
    template: {
      metadata: { labels: { app: "x" } },
      spec: { containers: [{ name: "c", image: "i", imagePullPolicy: "Always" }] },
    },
  },
});
before(async () => {
  server = await startTestServer();
  for (const name of ["patched", "applied"]) {
    const made = await server.request("POST", deployments, { body: valid(name) });
    assert.equal(made.status, 201, made.text);
  }
});
after(() => server.close());

const json = (
  name: string,
): string => `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"${name}"},
  "spec":{"unknown1":"a","unknownDupe":"b","unknownDupe":"c","paused":true,"paused":false,
    "selector":{"matchLabels":{"app":"x"}},
    "template":{"metadata":{"labels":{"app":"x"}},
      "spec":{"containers":[{"name":"c","image":"i","unknownNested":"a","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
const yaml = (name: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  unknown1: a
  unknownDupe: b
  unknownDupe: c
  paused: true
  paused: false
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
      - name: c
        image: i
        unknownNested: a
        imagePullPolicy: Always
        imagePullPolicy: Never
`;
const merge = `{"spec":{"unknown1":"a","unknownDupe":"b","unknownDupe":"c","paused":true,"paused":false,
  "template":{"spec":{"containers":[{"name":"c","image":"i","unknownNested":"a","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
const operations = `[
  {"op":"add","path":"/spec/unknown1","value":"a","foo":"bar"},
  {"op":"add","path":"/spec/unknown2","path":"/spec/unknown3","value":"a"},
  {"op":"add","path":"/spec/template/spec/containers/0/unknownNested","value":"a"}]`;
const applied = `{
  "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "applied"},
  "spec": {
    "paused": false,
    "paused": true
  }
}`;

interface Case {
  name: string;
  method: string;
  path: string;
  type: string;
  body: string;
  warnings: string[];
  /** The end of the message with Strict, where it is not the warnings joined. */
  strict?: string;
}

const nested = "spec.template.spec.containers[0]";
const inPatch = [
  'duplicate field "spec.unknownDupe"',
  'duplicate field "spec.paused"',
  `duplicate field "${nested}.imagePullPolicy"`,
  `unknown field "${nested}.unknownNested"`,
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
];
const inOrder = [
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
  'duplicate field "spec.paused"',
  `unknown field "${nested}.unknownNested"`,
  `duplicate field "${nested}.imagePullPolicy"`,
];
const yamlLines = [
  'line 8: key "unknownDupe" already set in map',
  'line 10: key "paused" already set in map',
  'line 20: key "imagePullPolicy" already set in map',
];
const yamlFields = [
  `unknown field "${nested}.unknownNested"`,
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
];

const cases: Case[] = [
  {
    name: "POST JSON",
    method: "POST",
    path: deployments,
    type: "application/json",
    body: json("made"),
    warnings: inOrder,
  },
  {
    name: "POST YAML",
    method: "POST",
    path: deployments,
    type: "application/yaml",
    body: yaml("made"),
    warnings: [...yamlLines, ...yamlFields],
    strict: `strict decoding error: yaml: unmarshal errors:\n  ${yamlLines.join("\n  ")}, ${yamlFields.join(", ")}`,
  },
  {
    name: "PUT JSON",
    method: "PUT",
    path: `${deployments}/patched`,
    type: "application/json",
    body: json("patched"),
    warnings: inOrder,
  },
  {
    name: "merge patch",
    method: "PATCH",
    path: `${deployments}/patched`,
    type: "application/merge-patch+json",
    body: merge,
    warnings: inPatch,
  },
  {
    name: "strategic merge patch",
    method: "PATCH",
    path: `${deployments}/patched`,
    type: "application/strategic-merge-patch+json",
    body: merge,
    warnings: inPatch,
  },
  {
    name: "JSON patch",
    method: "PATCH",
    path: `${deployments}/patched`,
    type: "application/json-patch+json",
    body: operations,
    warnings: [
      'json patch unknown field "[0].foo"',
      'json patch duplicate field "[1].path"',
      `unknown field "${nested}.unknownNested"`,
      'unknown field "spec.unknown1"',
      'unknown field "spec.unknown3"',
    ],
  },
  {
    name: "apply",
    method: "PATCH",
    path: `${deployments}/applied`,
    type: "application/apply-patch+yaml",
    body: applied,
    warnings: ['line 5: key "paused" already set in map'],
    strict:
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 5: key "paused" already set in map',
  },
];

for (const c of cases) {
  const send = (query: string): ReturnType<TestServer["request"]> =>
    server.request(c.method, `${c.path}?dryRun=All&fieldManager=m${query}`, {
      body: c.body,
      headers: { "Content-Type": c.type },
    });
  test(`${c.name}: Strict refuses`, async () => {
    const answer = await send("&fieldValidation=Strict");
    assert.ok([400, 422].includes(answer.status), answer.text);
    const wanted = c.strict ?? `strict decoding error: ${c.warnings.join(", ")}`;
    assert.ok(answer.body.message.endsWith(wanted), `${answer.body.message}\nshould end with\n${wanted}`);
  });
  for (const query of ["", "&fieldValidation=Warn"])
    test(`${c.name}: ${query === "" ? "no word" : "Warn"} warns`, async () => {
      const answer = await send(query);
      assert.ok([200, 201].includes(answer.status), answer.text);
      const text = String(answer.headers.warning ?? "");
      const warnings = [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map((m) =>
        m[1]!.replace(/\\(.)/g, "$1"),
      );
      assert.deepEqual(warnings, c.warnings);
      assert.doesNotMatch(answer.text, /unknown(1|Dupe|Nested)/);
    });
  test(`${c.name}: Ignore is silent`, async () => {
    const answer = await send("&fieldValidation=Ignore");
    assert.ok([200, 201].includes(answer.status), answer.text);
    assert.equal(answer.headers.warning, undefined);
  });
}
