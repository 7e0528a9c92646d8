import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { ResourceClaim } from "../../types.ts";
import { resourceClaim } from "./mod.ts";

const spec = { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "c" } }] } };
const make = (status: object, metadata: object = {}): ResourceClaim =>
  ({
    metadata: { name: "a", namespace: "default", resourceVersion: "1", ...metadata },
    spec,
    status,
  }) as ResourceClaim;
const device = { driver: "d.example.com", pool: "node-1", device: "gpu-0" };
const result = { request: "gpu", ...device };
const allocation = { devices: { results: [result] } };
const pod = { resource: "pods", name: "web", uid: "u" };
const at = "status.allocation.devices";
const condition = {
  type: "Ready",
  status: "True",
  reason: "Attached",
  message: "",
  lastTransitionTime: "2026-01-01T00:00:00Z",
};
const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] };

const rows: [name: string, status: object, messages: string[]][] = [
  ["nothing", {}, []],
  ["allocated: nothing", { allocation: {} }, []],
  ["allocated: a device", { allocation }, []],
  ["reserved", { allocation, reservedFor: [pod] }, []],
  [
    "reserved before it is allocated",
    { reservedFor: [pod] },
    ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
  ],
  [
    "reserved for the same pod twice",
    { allocation, reservedFor: [pod, pod] },
    ['status.reservedFor[1]: Duplicate value: "u"'],
  ],
  [
    "reserved for nobody",
    { allocation, reservedFor: [{}] },
    ["resource", "name", "uid"].map((f) => `status.reservedFor[0].${f}: Required value`),
  ],
  [
    "reserved for too many",
    { allocation, reservedFor: Array.from({ length: 257 }, (_, i) => ({ ...pod, uid: `u${i}` })) },
    ["status.reservedFor: Too many: 257: must have at most 256 items"],
  ],
  [
    "allocated for a request that is not there",
    { allocation: { devices: { results: [{ ...result, request: "cpu" }] } } },
    [
      `${at}.results[0].request: Invalid value: "cpu": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
    ],
  ],
  [
    "allocated from no pool",
    { allocation: { devices: { results: [{ ...result, driver: "", pool: "" }] } } },
    [`${at}.results[0].driver: Required value`, `${at}.results[0].pool: Required value`],
  ],
  [
    "configured by whom?",
    {
      allocation: {
        devices: {
          config: [{ opaque: { driver: "a", parameters: {} } }, { source: "FromHeaven" }],
        },
      },
    },
    [
      `${at}.config[0].source: Required value`,
      `${at}.config[1].source: Unsupported value: "FromHeaven": supported values: "FromClaim", "FromClass"`,
      `${at}.config[1].opaque: Required value`,
    ],
  ],
  [
    "on no node",
    { allocation: { nodeSelector: { nodeSelectorTerms: [] } } },
    [
      "status.allocation.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
    ],
  ],
  [
    "conditions to wait for without conditions to give up",
    { allocation: { devices: { results: [{ ...result, bindingConditions: ["a"] }] } } },
    [
      `${at}.results[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
    ],
  ],
  [
    "a condition for both",
    {
      allocation: {
        devices: {
          results: [{ ...result, bindingConditions: ["a", "a"], bindingFailureConditions: ["a"] }],
        },
      },
    },
    [
      `${at}.results[0].bindingConditions[1]: Duplicate value: "a"`,
      `${at}.results[0].bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions`,
    ],
  ],
  [
    "a device's state",
    {
      allocation,
      devices: [
        {
          ...device,
          conditions: [condition],
          data: { a: 1 },
          networkData: { interfaceName: "eth0", ips: ["10.1.2.3/24", "2001:db8::1/64"] },
        },
      ],
    },
    [],
  ],
  [
    "the state of a device that is not allocated",
    { allocation: {}, devices: [device] },
    [
      'status.devices[0]: Invalid value: {"Driver":"d.example.com","Pool":"node-1","Device":"gpu-0","ShareID":""}: must be an allocated device in the claim',
    ],
  ],
  [
    "a device's state that is nonsense",
    {
      allocation,
      devices: [
        {
          ...device,
          conditions: [condition, { type: "Ready", status: "Yes", reason: "" }],
          data: [],
          networkData: { interfaceName: "e".repeat(257), ips: ["10.1.2.3", "10.1.2.3/024"] },
        },
      ],
    },
    [
      'status.devices[0].conditions[1].type: Duplicate value: "Ready"',
      'status.devices[0].conditions[1].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
      "status.devices[0].conditions[1].lastTransitionTime: Required value",
      "status.devices[0].conditions[1].reason: Required value",
      'status.devices[0].data: Invalid value: "<value omitted>": must be a valid JSON object',
      "status.devices[0].networkData.interfaceName: Too long: may not be more than 256 bytes",
      'status.devices[0].networkData.ips[0]: Invalid value: "10.1.2.3": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
      'status.devices[0].networkData.ips[1]: Invalid value: "10.1.2.3/024": must be in canonical form ("10.1.2.3/24")',
    ],
  ],
  [
    "too many conditions of a device",
    {
      allocation,
      devices: [
        { ...device, conditions: Array.from({ length: 9 }, (_, i) => ({ ...condition, type: `C${i}` })) },
      ],
    },
    ["status.devices[0].conditions: Too many: 9: must have at most 8 items"],
  ],
];
for (const [name, status, messages] of rows)
  test(`status of a ResourceClaim: ${name}`, () =>
    assert.deepEqual(
      resourceClaim.validateStatusUpdate!(make(status), make({})).map(fieldErrorMessage),
      messages,
    ));

test("an allocation stays until it is taken back", () => {
  const old = make({ allocation });
  const other = { devices: { results: [{ ...result, device: "gpu-1" }] } };
  assert.deepEqual(
    resourceClaim.validateStatusUpdate!(make({ allocation: other }), old).map(
      (e) => `${e.field} ${e.detail}`,
    ),
    ["status.allocation field is immutable"],
  );
  assert.deepEqual(resourceClaim.validateStatusUpdate!(make({}), old), []);
});

test("a claim on its way out is reserved for nobody else", () => {
  const old = make({ allocation, reservedFor: [pod] }, deleted);
  const more = make({ allocation, reservedFor: [pod, { ...pod, uid: "v" }] }, deleted);
  const detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
  assert.deepEqual(resourceClaim.validateStatusUpdate!(more, old).map(fieldErrorMessage), [
    `status.reservedFor: Forbidden: ${detail}`,
  ]);
  assert.deepEqual(resourceClaim.validateStatusUpdate!(make({ allocation }, deleted), old), []);
});

test("a write of the status changes the status alone, and drops the state of devices that it takes away", () => {
  const old = make({ allocation, devices: [device] }, { labels: { a: "b" }, annotations: { c: "d" } });
  const now = make({ devices: [device] }, { labels: { x: "y" }, finalizers: ["e/f"] });
  now.spec = {} as ResourceClaim["spec"];
  resourceClaim.prepareForStatusUpdate!(now, old, ctx);
  assert.deepEqual(now, {
    metadata: {
      name: "a",
      namespace: "default",
      resourceVersion: "1",
      labels: { a: "b" },
      annotations: { c: "d" },
    },
    spec,
    status: {},
  });
});
