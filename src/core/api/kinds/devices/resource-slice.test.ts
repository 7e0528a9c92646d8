import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { ResourceSlice } from "../../types.ts";
import { resourceSlice } from "./mod.ts";

const spec = {
  driver: "d.example.com",
  pool: { name: "node-1", generation: 1, resourceSliceCount: 1 },
  nodeName: "node-1",
};
const make = (more: object): ResourceSlice =>
  ({
    metadata: { name: "a", resourceVersion: "1", generation: 1 },
    spec: structuredClone({ ...spec, ...more }),
  }) as ResourceSlice;
const device = (more: object): object => ({ devices: [{ name: "gpu-0", ...more }] });
const capacity = (requestPolicy: object, value = "10"): object =>
  device({ allowMultipleAllocations: true, capacity: { memory: { value, requestPolicy } } });
const at = "spec.devices[0]";
const policy = `${at}.capacity[memory].requestPolicy`;
const many = (length: number, more: object = {}): object => ({
  devices: Array.from({ length }, (_, i) => ({ name: `gpu-${i}`, ...more })),
});
const term = { matchExpressions: [{ key: "a", operator: "Exists" }] };
const oneOf = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
const perDevice =
  "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const taint = { key: "a", effect: "NoSchedule" };
const elsewhere = { nodeName: undefined, perDeviceNodeSelection: true };

const rows: [name: string, spec: object, messages: string[]][] = [
  ["of a node, empty", {}, []],
  ["of nodes with a label", { nodeName: undefined, nodeSelector: { nodeSelectorTerms: [term] } }, []],
  ["of all nodes", { nodeName: undefined, allNodes: true }, []],
  ["of devices that say so", { ...elsewhere, ...device({ nodeName: "node-2" }) }, []],
  ["of no node", { nodeName: undefined }, [`spec: Required value: ${oneOf}`]],
  [
    "of nodes in two ways",
    { allNodes: true },
    [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${oneOf}, but multiple fields are set`],
  ],
  [
    "of a node without a name",
    { nodeName: "" },
    [
      'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
      `spec: Required value: ${oneOf}`,
    ],
  ],
  [
    "not of all nodes",
    { allNodes: false },
    ["spec.allNodes: Invalid value: false: must be either unset or set to true"],
  ],
  [
    "of nodes by two terms",
    { nodeName: undefined, nodeSelector: { nodeSelectorTerms: [{}, {}] } },
    ["spec.nodeSelector.nodeSelectorTerms: Invalid value: [{},{}]: must have exactly one node selector term"],
  ],
  [
    "of nobody's pool",
    { driver: "", pool: { name: "", generation: -1 } },
    [
      "spec.driver: Required value",
      "spec.pool.name: Required value",
      "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
      "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
    ],
  ],
  [
    "devices and counters",
    { ...device({}), sharedCounters: [] },
    ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
  ],
  ["as many devices as can be", many(128), []],
  ["too many devices", many(129), ["spec.devices: Too many: 129: must have at most 128 items"]],
  [
    "too many devices with taints",
    many(65, { taints: [taint] }),
    ["spec.devices: Too many: 65: must have at most 64 items"],
  ],
  ["a device twice", { devices: [{ name: "a" }, { name: "a" }] }, ['spec.devices[1]: Duplicate value: "a"']],
  [
    "attributes",
    device({ attributes: { a: { int: 0 }, b: { bool: false }, "c.d/e": { version: "1.2.3-rc.1+build" } } }),
    [],
  ],
  [
    "attributes of no value, of two, of bad ones",
    device({
      attributes: { a: {}, b: { int: 1, bool: true }, c: { string: "x".repeat(65) }, d: { version: "1.2" } },
    }),
    [
      `${at}.attributes[a]: Invalid value: "": exactly one value must be specified`,
      `${at}.attributes[b]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified`,
      `${at}.attributes[c].string: Too long: may not be more than 64 bytes`,
      `${at}.attributes[d].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`,
    ],
  ],
  [
    "more than 32 facts",
    device({ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, { int: i }])) }),
    [`${at}: Invalid value: 33: the total number of attributes and capacities must not exceed 32`],
  ],
  [
    "a policy for a device that is not shared",
    device({ capacity: { memory: { value: "1", requestPolicy: {} } } }),
    [`${policy}: Forbidden: allowMultipleAllocations must be true`],
  ],
  ["amounts to choose from", capacity({ default: "2", validValues: ["1", "2"] }), []],
  [
    "amounts without a usual one",
    capacity({ validValues: ["1"] }),
    [`${policy}.default: Required value: required when validValues is defined`],
  ],
  [
    "amounts in disorder, too big, without the usual one",
    capacity({ default: "3", validValues: ["11", "1"] }),
    [
      `${policy}.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
      `${policy}.validValues[0]: Invalid value: "11": option is larger than capacity value: 10`,
      `${policy}.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
    ],
  ],
  [
    "amounts and a range",
    capacity({ validValues: ["1"], validRange: { min: "1" } }),
    [
      `${policy}: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`,
    ],
  ],
  ["a range", capacity({ default: "3", validRange: { min: "1", max: "9", step: "2" } }), []],
  [
    "a range without a beginning",
    capacity({ default: "3", validRange: { max: "9" } }),
    [`${policy}.validRange.min: Required value: required when validRange is defined`],
  ],
  [
    "a range that is none",
    capacity({ default: "1", validRange: { min: "4", max: "2" } }),
    [
      `${policy}.validRange.min: Invalid value: "1": default is less than min: 4`,
      `${policy}.validRange.max: Invalid value: "4": min is larger than max: 2`,
    ],
  ],
  [
    "steps that miss",
    capacity({ default: "2", validRange: { min: "1", max: "9", step: "4" } }),
    [`${policy}.validRange.step: Invalid value: "2": value is not a multiple of a given step (4) from (1)`],
  ],
  [
    "steps too long",
    capacity({ default: "1", validRange: { min: "1", step: "10" } }),
    [`${policy}.validRange.step: Invalid value: "10": one step 11 is larger than capacity value: 10`],
  ],
  ["taints", device({ taints: [taint] }), []],
  [
    "taints that say nothing",
    device({ taints: [{ key: "a" }, { key: "a", effect: "Bad" }] }),
    [
      `${at}.taints[0].effect: Required value`,
      `${at}.taints[1].effect: Unsupported value: "Bad": supported values: "NoExecute", "NoSchedule", "None"`,
    ],
  ],
  [
    "too many taints",
    device({ taints: Array(17).fill(taint) }),
    [`${at}.taints: Too many: 17: must have at most 16 items`],
  ],
  ["counters", { sharedCounters: [{ name: "a", counters: { b: { value: "1" } } }] }, []],
  [
    "counters of nothing",
    { sharedCounters: [{}] },
    ["spec.sharedCounters[0].name: Required value", "spec.sharedCounters[0].counters: Required value"],
  ],
  [
    "one set of counters twice",
    device({ consumesCounters: Array(2).fill({ counterSet: "a", counters: { b: { value: "1" } } }) }),
    [`${at}.consumesCounters[1]: Duplicate value: "a"`],
  ],
  [
    "a device of a node in a slice of a node",
    device({ nodeName: "node-1" }),
    [
      `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
    ],
  ],
  ["a device of no node", { ...elsewhere, ...device({}) }, [`${at}: Required value: ${perDevice}`]],
  [
    "a device of nodes in two ways",
    { ...elsewhere, ...device({ nodeName: "a", allNodes: true }) },
    [`${at}: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${perDevice}`],
  ],
];
for (const [name, more, messages] of rows)
  test(`ResourceSlice: ${name}`, () =>
    assert.deepEqual(resourceSlice.validate!(make(more), ctx).map(fieldErrorMessage), messages));

test("a slice stays with its driver, its pool and its node", () => {
  const now = make({ driver: "e", pool: { ...spec.pool, name: "b", generation: 2 }, nodeName: "node-2" });
  assert.deepEqual(
    resourceSlice.validateUpdate!(now, make({}), ctx).map((e) => `${e.field} ${e.detail}`),
    ["spec.pool.name", "spec.driver", "spec.nodeName"].map((f) => `${f} field is immutable`),
  );
});

test("a taint gets its time; what is alpha in Kubernetes is dropped; a change is a generation", () => {
  const slice = make(
    device({
      taints: [taint, { ...taint, timeAdded: "2020-01-01T00:00:00Z" }],
      attributes: { a: { int: 1, ints: [1] } },
      nodeAllocatableResourceMappings: { cpu: {} },
    }),
  );
  resourceSlice.prepareForCreate!(slice, ctx);
  assert.deepEqual(slice.spec.devices, [
    {
      name: "gpu-0",
      taints: [
        { ...taint, timeAdded: ctx.now },
        { ...taint, timeAdded: "2020-01-01T00:00:00Z" },
      ],
      attributes: { a: { int: 1 } },
    },
  ]);
  const later = make({});
  resourceSlice.prepareForUpdate!(later, slice, ctx);
  assert.equal(later.metadata.generation, 2);
});

test("capital letters in a driver's name are warned of", () => {
  assert.deepEqual(resourceSlice.warnings!(make({ driver: "GPU.example.com" }), undefined), [
    'spec.driver: driver names should be lowercase; "GPU.example.com" contains uppercase characters',
  ]);
  assert.deepEqual(resourceSlice.warnings!(make({}), undefined), []);
});

test("slices are found by node and by driver", () => {
  const found = (slice: ResourceSlice): string[] =>
    Object.values(resourceSlice.fields!).map((get) => get(slice));
  assert.deepEqual(found(make({})), ["node-1", "d.example.com"]);
  assert.deepEqual(found(make({ nodeName: undefined, allNodes: true })), ["", "d.example.com"]);
});
