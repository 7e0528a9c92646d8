import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { ResourceClaim, ResourceClaimTemplate } from "../../types.ts";
import { resourceClaim, resourceClaimTemplate } from "./mod.ts";

const metadata = { name: "a", namespace: "default", resourceVersion: "1" };
const make = (devices: object): ResourceClaim =>
  ({ metadata: { ...metadata }, spec: { devices: structuredClone(devices) } }) as ResourceClaim;
const template = (devices: object, meta?: object): ResourceClaimTemplate =>
  ({ metadata: { ...metadata }, spec: { metadata: meta, spec: { devices } } }) as ResourceClaimTemplate;
const gpu = { name: "gpu", exactly: { deviceClassName: "gpu.example.com" } };
const either = {
  name: "any",
  firstAvailable: [
    { name: "big", deviceClassName: "big" },
    { name: "small", deviceClassName: "small" },
  ],
};
const exactly = (more: object): object => ({
  requests: [{ name: "gpu", exactly: { deviceClassName: "c", ...more } }],
});
const at = "spec.devices.requests[0]";
const oneOf = "exactly one of `exactly` or `firstAvailable` is required";
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const reference =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const attribute =
  'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
const opaque = { driver: "a", parameters: {} };

const rows: [name: string, devices: object, messages: string[]][] = [
  ["nothing", {}, []],
  ["one device", { requests: [gpu] }, []],
  ["one of several", { requests: [either] }, []],
  ["no name", { requests: [{ ...gpu, name: "" }] }, [`${at}.name: Invalid value: "": ${label}`]],
  ["the same name twice", { requests: [gpu, gpu] }, ['spec.devices.requests[1]: Duplicate value: "gpu"']],
  ["neither way", { requests: [{ name: "a" }] }, [`${at}: Required value: ${oneOf}`]],
  [
    "both ways",
    { requests: [{ ...either, ...gpu }] },
    [`${at}: Invalid value: null: ${oneOf}, but multiple fields are set`],
  ],
  [
    "too many requests",
    { requests: Array(33).fill(gpu) },
    ["spec.devices.requests: Too many: 33: must have at most 32 items"],
  ],
  [
    "too many alternatives",
    { requests: [{ name: "a", firstAvailable: Array(9).fill({}) }] },
    [`${at}.firstAvailable: Too many: 9: must have at most 8 items`],
  ],
  [
    "an alternative twice",
    { requests: [{ name: "a", firstAvailable: Array(2).fill({ name: "b", deviceClassName: "c" }) }] },
    [`${at}.firstAvailable[1]: Duplicate value: "b"`],
  ],
  [
    "no class",
    { requests: [{ name: "gpu", exactly: {} }] },
    [`${at}.exactly.deviceClassName: Required value`],
  ],
  ["all devices", exactly({ allocationMode: "All" }), []],
  [
    "all devices, counted",
    exactly({ allocationMode: "All", count: 2 }),
    [`${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
  ],
  [
    "fewer than none",
    exactly({ count: -1 }),
    [`${at}.exactly.count: Invalid value: -1: must be greater than zero`],
  ],
  [
    "a mode of one's own",
    exactly({ allocationMode: "Some" }),
    [`${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
  ],
  ["tolerations", exactly({ tolerations: [{ operator: "Exists" }, { key: "a", value: "b" }] }), []],
  [
    "tolerations that say nonsense",
    exactly({
      tolerations: [
        { operator: "Exists", value: "a" },
        { operator: "In", effect: "PreferNoSchedule" },
      ],
    }),
    [
      `${at}.exactly.tolerations[0].value: Invalid value: "a": must be empty for operator \`Exists\``,
      `${at}.exactly.tolerations[1].operator: Unsupported value: "In": supported values: "Equal", "Exists"`,
      `${at}.exactly.tolerations[1].effect: Unsupported value: "PreferNoSchedule": supported values: "NoExecute", "NoSchedule", "None"`,
    ],
  ],
  [
    "a constraint",
    { requests: [gpu, either], constraints: [{ matchAttribute: "a/b", requests: ["any/big"] }] },
    [],
  ],
  ["a constraint on distinct devices", { constraints: [{ distinctAttribute: "a/b" }] }, []],
  [
    "a constraint on nothing",
    { constraints: [{}] },
    [`spec.devices.constraints[0]: Required value: ${attribute}`],
  ],
  [
    "references that lead nowhere",
    { requests: [gpu], constraints: [{ matchAttribute: "a/b", requests: ["cpu", "gpu/big", "a/b/c"] }] },
    [
      `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": ${reference}`,
      `spec.devices.constraints[0].requests[1]: Invalid value: "gpu/big": ${reference}`,
      `spec.devices.constraints[0].requests[2]: Invalid value: "a/b/c": ${reference}`,
    ],
  ],
  ["a configuration", { requests: [gpu], config: [{ requests: ["gpu"], opaque }] }, []],
  [
    "a configuration for one request twice",
    { requests: [gpu], config: [{ requests: ["gpu", "gpu"], opaque }] },
    ['spec.devices.config[0].requests[1]: Duplicate value: "gpu"'],
  ],
];
for (const [name, devices, messages] of rows) {
  test(`ResourceClaim: ${name}`, () => {
    const claim = make(devices);
    resourceClaim.setDefaults!(claim);
    assert.deepEqual(resourceClaim.validate!(claim, ctx).map(fieldErrorMessage), messages);
  });
  test(`ResourceClaimTemplate: ${name}`, () => {
    const t = template(structuredClone(devices));
    resourceClaimTemplate.setDefaults!(t);
    assert.deepEqual(
      resourceClaimTemplate.validate!(t, ctx).map(fieldErrorMessage),
      messages.map((m) => m.replace("spec.devices", "spec.spec.devices")),
    );
  });
}

test("requests get a mode, a count and operators", () => {
  const tolerations = [{ key: "a" }];
  const claim = make({ requests: [either, { name: "b", exactly: { allocationMode: "All", tolerations } }] });
  resourceClaim.setDefaults!(claim);
  const [first, second] = claim.spec.devices!.requests!;
  assert.deepEqual(
    first!.firstAvailable!.map((s) => [s.allocationMode, s.count]),
    [
      ["ExactCount", 1],
      ["ExactCount", 1],
    ],
  );
  assert.deepEqual(second!.exactly, {
    allocationMode: "All",
    tolerations: [{ key: "a", operator: "Equal" }],
  });
});

test("the spec stays, a label may come; neither counts as a generation", () => {
  const old = make({ requests: [gpu] });
  const changed = make({ requests: [either] });
  const messages = resourceClaim.validateUpdate!(changed, old, ctx).map(fieldErrorMessage);
  assert.match(messages.join(), /^spec: Invalid value: \{.*\}: field is immutable$/);
  const labelled = make({ requests: [gpu] });
  labelled.metadata.labels = { a: "b" };
  resourceClaim.prepareForUpdate!(labelled, old, ctx);
  assert.deepEqual(resourceClaim.validateUpdate!(labelled, old, ctx), []);
  assert.equal(labelled.metadata.generation, undefined);
});

test("a template's claims take over labels and annotations alone", () => {
  const meta = { labels: { a: "b c" }, annotations: { a: "b" }, name: "x", finalizers: ["a/b"] };
  assert.deepEqual(
    resourceClaimTemplate.validate!(template({}, meta), ctx).map((e) => `${e.field} ${e.type}`),
    [
      "spec.metadata.labels FieldValueInvalid",
      "spec.metadata.name FieldValueForbidden",
      "spec.metadata.finalizers FieldValueForbidden",
    ],
  );
});

test("a template's spec stays", () => {
  const [old, now] = [template({ requests: [gpu] }), template({})];
  assert.deepEqual(
    resourceClaimTemplate.validateUpdate!(now, old, ctx).map((e) => `${e.field} ${e.detail}`),
    ["spec field is immutable"],
  );
});
