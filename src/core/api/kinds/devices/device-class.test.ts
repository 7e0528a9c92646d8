import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { DeviceClass } from "../../types.ts";
import { deviceClass } from "./mod.ts";

const make = (spec: object): DeviceClass =>
  ({ metadata: { name: "gpu", resourceVersion: "1", generation: 1 }, spec }) as DeviceClass;
const cel = (expression: string): object => ({ cel: { expression } });
const big = { a: "x".repeat(10 * 1024) };

const rows: [name: string, spec: object, messages: string[]][] = [
  ["empty", {}, []],
  ["one that selects", { selectors: [cel("device.driver == 'a'")] }, []],
  ["an empty selector", { selectors: [{}] }, ["spec.selectors[0].cel: Required value"]],
  [
    "an empty expression",
    { selectors: [cel(" ")] },
    ['spec.selectors[0].cel.expression: Invalid value: " ": compilation failed: it is empty'],
  ],
  [
    "an expression too long",
    { selectors: [cel("x".repeat(10 * 1024 + 1))] },
    ["spec.selectors[0].cel.expression: Too long: may not be more than 10240 bytes"],
  ],
  [
    "too many selectors",
    { selectors: Array(33).fill({}) },
    ["spec.selectors: Too many: 33: must have at most 32 items"],
  ],
  ["a configuration", { config: [{ opaque: { driver: "a", parameters: { b: 1 } } }] }, []],
  ["a configuration of nothing", { config: [{}] }, ["spec.config[0].opaque: Required value"]],
  [
    "a configuration of nobody",
    { config: [{ opaque: { parameters: null } }] },
    ["spec.config[0].opaque.driver: Required value", "spec.config[0].opaque.parameters: Required value"],
  ],
  [
    "parameters that are a list",
    { config: [{ opaque: { driver: "a", parameters: [1] } }] },
    ['spec.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
  ],
  [
    "parameters too big",
    { config: [{ opaque: { driver: "a", parameters: big } }] },
    ["spec.config[0].opaque.parameters: Too long: may not be more than 10240 bytes"],
  ],
  ["an extended resource", { extendedResourceName: "example.com/gpu" }, []],
  [
    "an extended resource without a domain",
    { extendedResourceName: "gpu" },
    ['spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name'],
  ],
];
for (const [name, spec, messages] of rows)
  test(`DeviceClass: ${name}`, () =>
    assert.deepEqual(deviceClass.validate!(make(spec), ctx).map(fieldErrorMessage), messages));

test("parameters that are there already may be too big", () => {
  const old = make({ config: [{ opaque: { driver: "a", parameters: big } }] });
  const now = make({ ...old.spec, selectors: [cel("true")] });
  assert.deepEqual(deviceClass.validateUpdate!(now, old, ctx), []);
});

test("a change of the spec is a generation", () => {
  const created = make({});
  delete created.metadata.generation;
  deviceClass.prepareForCreate!(created, ctx);
  const same = structuredClone(created);
  deviceClass.prepareForUpdate!(same, created, ctx);
  const changed = make({ selectors: [cel("true")] });
  deviceClass.prepareForUpdate!(changed, created, ctx);
  assert.deepEqual(
    [created, same, changed].map((c) => c.metadata.generation),
    [1, 1, 2],
  );
});
