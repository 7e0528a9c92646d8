import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testSchema } from "../../../../test/support/schema.ts";
import type { StatusError } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { applyJsonPatch, applyMergePatch, applyPatch, type PatchKind, strategicMerge } from "./mod.ts";

const schema = await testSchema();
const pod = schema.model("V1Pod")!;
const service = schema.model("V1Service")!;

// RFC 6902, appendix A, and what Kubernetes adds or refuses.
const jsonPatches: [name: string, document: unknown, patch: unknown[], result: unknown][] = [
  ["add a member", { a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
  ["add to a list", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
  ["add to the end", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
  ["remove", { a: 1, b: [1, 2] }, [{ op: "remove", path: "/b/0" }], { a: 1, b: [2] }],
  ["replace", { a: { b: 1 } }, [{ op: "replace", path: "/a/b", value: 2 }], { a: { b: 2 } }],
  ["move", { a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
  ["copy", { a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
  ["test", { a: { b: 1, c: 2 } }, [{ op: "test", path: "/a", value: { c: 2, b: 1 } }], { a: { b: 1, c: 2 } }],
  [
    "escaped names",
    { "a/b": 1, "m~n": 2 },
    [
      { op: "remove", path: "/a~1b" },
      { op: "replace", path: "/m~0n", value: 3 },
    ],
    { "m~n": 3 },
  ],
  ["replace what is missing", { a: 1 }, [{ op: "replace", path: "/b", value: 2 }], { a: 1, b: 2 }],
  ["copy what is missing", { a: 1 }, [{ op: "copy", from: "/b", path: "/c" }], { a: 1, c: null }],
  ["the whole", { a: 1 }, [{ op: "replace", path: "", value: { b: 1 } }], { b: 1 }],
  ["test of what is missing for null", { a: 1 }, [{ op: "test", path: "/b", value: null }], { a: 1 }],
  [
    "a key named __proto__",
    {},
    [{ op: "add", path: "/__proto__", value: { x: 1 } }],
    JSON.parse('{"__proto__":{"x":1}}'),
  ],
];
for (const [name, document, patch, result] of jsonPatches)
  test(`JSON patch: ${name}`, () => {
    const before = JSON.stringify(document);
    assert.deepEqual(applyJsonPatch(document, patch as never), result);
    assert.equal(JSON.stringify(document), before, "the document is left alone");
    assert.equal(({} as { x?: number }).x, undefined);
  });

const badJsonPatches: [name: string, patch: unknown[]][] = [
  ["remove what is missing", [{ op: "remove", path: "/x" }]],
  ["replace an element that is missing", [{ op: "replace", path: "/list/2", value: 1 }]],
  ["replace below what is missing", [{ op: "replace", path: "/x/y", value: 1 }]],
  ["test below what is missing", [{ op: "test", path: "/x/y", value: null }]],
  ["move what is missing", [{ op: "move", from: "/x", path: "/y" }]],
  ["add below what is missing", [{ op: "add", path: "/x/y", value: 1 }]],
  ["an index beyond the end", [{ op: "add", path: "/list/3", value: 1 }]],
  ["an index that is no number", [{ op: "add", path: "/list/1e0", value: 1 }]],
  ["a failed test", [{ op: "test", path: "/a", value: 2 }]],
  ["an unknown operation", [{ op: "increase", path: "/a" }]],
  ["no path", [{ op: "add", value: 1 }]],
  ["no pointer", [{ op: "add", path: "a", value: 1 }]],
  ["inherited members", [{ op: "copy", from: "/toString/name", path: "/b" }]],
  ["a move into itself", [{ op: "move", from: "/o", path: "/o/p" }]],
  [
    "copies that explode",
    [
      { op: "add", path: "/b", value: ["x".repeat(1000)] },
      ...Array.from({ length: 40 }, () => ({ op: "copy", from: "/b", path: "/b/0" })),
    ],
  ],
];
for (const [name, patch] of badJsonPatches)
  test(`JSON patch is refused: ${name}`, () => {
    assert.throws(() => applyJsonPatch({ a: 1, list: [1, 2], o: {} }, patch as never), {
      name: "PatchFailure",
    });
  });

// RFC 7386, appendix A.
const mergePatches: [document: string, patch: string, result: string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];
for (const [document, patch, result] of mergePatches)
  test(`merge patch: ${document} and ${patch}`, () => {
    assert.deepEqual(applyMergePatch(JSON.parse(document), JSON.parse(patch)), JSON.parse(result));
  });

const c = (name: string, more: object = {}): object => ({ name, ...more });
const strategic: [name: string, spec: object, patch: object, result: object][] = [
  [
    "keyed lists merge by their key",
    { containers: [c("a", { image: "1" }), c("b", { image: "1" })] },
    { containers: [c("b", { image: "2" }), c("new")] },
    { containers: [c("a", { image: "1" }), c("b", { image: "2" }), c("new")] },
  ],
  [
    "a deeper keyed list",
    { containers: [c("a", { env: [c("X", { value: "1" })] })] },
    { containers: [c("a", { env: [c("Y", { value: "2" })] })] },
    { containers: [c("a", { env: [c("Y", { value: "2" }), c("X", { value: "1" })] })] },
  ],
  [
    "other lists are replaced",
    { tolerations: [{ key: "a" }] },
    { tolerations: [{ key: "b" }] },
    { tolerations: [{ key: "b" }] },
  ],
  [
    "an element is deleted",
    { containers: [c("a"), c("b")] },
    { containers: [{ $patch: "delete", name: "a" }] },
    { containers: [c("b")] },
  ],
  [
    "a list is replaced",
    { containers: [c("a"), c("b")] },
    { containers: [c("x"), { $patch: "replace" }] },
    { containers: [c("x")] },
  ],
  [
    "a list is replaced by one with two of a key",
    { containers: [c("a"), c("b")] },
    { containers: [c("x", { image: "1" }), c("x", { image: "2" }), c("b"), { $patch: "replace" }] },
    { containers: [c("x", { image: "1" }), c("x", { image: "2" }), c("b")] },
  ],
  [
    "a map is replaced",
    { nodeSelector: { a: "1" } },
    { nodeSelector: { $patch: "replace", b: "2" } },
    { nodeSelector: { b: "2" } },
  ],
  [
    "a map is deleted",
    { nodeSelector: { a: "1" } },
    { nodeSelector: { $patch: "delete" } },
    { nodeSelector: {} },
  ],
  ["null removes", { nodeName: "n", dnsPolicy: "x" }, { nodeName: null, hostname: null }, { dnsPolicy: "x" }],
  [
    "retained keys",
    { volumes: [c("v", { emptyDir: {} })] },
    { volumes: [c("v", { hostPath: { path: "/" }, $retainKeys: ["name", "hostPath"] })] },
    { volumes: [c("v", { hostPath: { path: "/" } })] },
  ],
  [
    "the order that the patch sets",
    { containers: [c("a"), c("b"), c("server")] },
    {
      $setElementOrder: 0,
      "$setElementOrder/containers": [c("b"), c("a")],
      containers: [c("a", { image: "2" })],
    },
    { $setElementOrder: 0, containers: [c("b"), c("a", { image: "2" }), c("server")] },
  ],
  [
    "an element that takes another's place",
    { containers: [c("old"), c("server")] },
    {
      "$setElementOrder/containers": [c("new")],
      containers: [{ $patch: "delete", name: "old" }, c("new", { image: "2" })],
    },
    { containers: [c("server"), c("new", { image: "2" })] },
  ],
  [
    "an order alone",
    { containers: [c("a"), c("b")] },
    { "$setElementOrder/containers": [c("b"), c("a")] },
    { containers: [c("b"), c("a")] },
  ],
  [
    "what is new loses its directives and nulls",
    {},
    { containers: [c("a", { image: null }), { $patch: "delete", name: "b" }] },
    { containers: [c("a")] },
  ],
];
for (const [name, spec, patch, result] of strategic)
  test(`strategic merge: ${name}`, () => {
    const before = JSON.stringify(spec);
    assert.deepEqual(strategicMerge({ spec }, { spec: patch }, pod), { spec: result });
    assert.equal(JSON.stringify(spec), before, "the document is left alone");
  });

test("strategic merge of lists of scalars", () => {
  const meta = { finalizers: ["a", "b", "c"] };
  const merge = (patch: object): unknown => strategicMerge({ metadata: meta }, { metadata: patch }, pod);
  assert.deepEqual(merge({ finalizers: ["d", "a"] }), { metadata: { finalizers: ["d", "a", "b", "c"] } });
  assert.deepEqual(merge({ "$deleteFromPrimitiveList/finalizers": ["b"] }), {
    metadata: { finalizers: ["a", "c"] },
  });
});

test("a Service's ports merge by port", () => {
  const spec = {
    ports: [
      { name: "a", port: 80 },
      { name: "b", port: 81 },
    ],
  };
  assert.deepEqual(strategicMerge({ spec }, { spec: { ports: [{ port: 81, nodePort: 30081 }] } }, service), {
    spec: {
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 81, nodePort: 30081 },
      ],
    },
  });
});

const current: KubeObject = JSON.parse(
  '{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"type":"ClusterIP","ports":[{"port":80}]}}',
);
function patch(
  type: PatchKind,
  text: string,
  mode: "Strict" | "Warn" | "Ignore" = "Strict",
): ReturnType<typeof applyPatch> {
  const expected = { group: "", version: "v1", kind: "Service", model: service };
  return applyPatch(current, { type, patch: text, expected, fieldValidation: mode });
}

const refused: [name: string, type: PatchKind, text: string, code: number, message: RegExp][] = [
  ["no JSON", "merge", "{", 400, /^error decoding patch: unexpected end of JSON input$/],
  [
    "a list for a merge",
    "merge",
    "[]",
    400,
    /^error decoding patch: json: cannot unmarshal array into Go value of type map\[string\]interface \{\}$/,
  ],
  [
    "an object for operations",
    "json",
    "{}",
    400,
    /^error decoding patch: json: cannot unmarshal object into Go value of type \[\]handlers.jsonPatchOp$/,
  ],
  [
    "a path that is not there",
    "json",
    '[{"op":"remove","path":"/spec/x"}]',
    422,
    /^the server rejected our request due to an error in our request$/,
  ],
  [
    "a wrong type",
    "merge",
    '{"spec":{"ports":"x"}}',
    422,
    /^ "" is invalid: patch: Invalid value: ".*": json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type \[\]v1.ServicePort$/,
  ],
  [
    "an unknown field",
    "strategic",
    '{"spec":{"foo":1}}',
    422,
    /^ "" is invalid: patch: Invalid value: "map\[spec:map\[foo:1\]\]": strict decoding error: unknown field "spec.foo"$/,
  ],
  [
    "a repeated field",
    "merge",
    '{"spec":{"type":"A","type":"B"}}',
    422,
    /strict decoding error: duplicate field "spec.type"$/,
  ],
  ["another kind", "merge", '{"kind":"Pod"}', 400, /kind/],
  [
    "an element without its key",
    "strategic",
    '{"spec":{"ports":[{"name":"x"}]}}',
    500,
    /^map: map\[name:x\] does not contain declared merge key: port$/,
  ],
  [
    "an unknown directive",
    "strategic",
    '{"spec":{"$patch":"x"}}',
    500,
    /^unknown patch type: x in map: map\[\$patch:x\]$/,
  ],
  ["the whole removed", "json", '[{"op":"replace","path":"","value":1}]', 422, /patch/],
  ["great depth", "merge", `{"a":${"[".repeat(20000)}${"]".repeat(20000)}}`, 400, /exceeded max depth/],
];
for (const [name, type, text, code, message] of refused)
  test(`a patch is refused: ${name}`, () => {
    assert.throws(
      () => patch(type, text),
      (e: StatusError) => e.code === code && message.test(e.message),
      name,
    );
  });

test("a patched object is canonical, and warnings tell of what was dropped", () => {
  const { object, warnings } = patch("strategic", '{"spec":{"type":"NodePort","foo":1}}', "Warn");
  assert.deepEqual(warnings, ['unknown field "spec.foo"']);
  assert.deepEqual(object, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec: { type: "NodePort", ports: [{ port: 80 }] },
    status: { loadBalancer: {} },
  });
});

test("property: a JSON patch never changes the document it is given", () => {
  const path = fc.constantFrom("", "/a", "/a/0", "/a/-", "/b", "/b/c", "/b/c/d", "/x", "/__proto__", "/a/9");
  const operation = fc.record({
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
    path,
    from: path,
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
      const document = { a: [1, { z: 1 }], b: { c: { d: 1 } } };
      const before = JSON.stringify(document);
      try {
        applyJsonPatch(document, operations);
      } catch (e) {
        assert.equal((e as Error).name, "PatchFailure");
      }
      assert.equal(JSON.stringify(document), before);
    }),
  );
});
