import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../test/support/kind-rules.ts";
import type { ResourceDefinition } from "../resource.ts";
import { fieldErrorMessage } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { definitions } from "./mod.ts";

const find = (plural: string, group = ""): ResourceDefinition =>
  definitions.find((d) => d.plural === plural && d.group === group)!;

function object(d: ResourceDefinition, o: object): KubeObject {
  const metadata = { name: "a", ...(d.namespaced ? { namespace: "default" } : {}), resourceVersion: "1" };
  const given = structuredClone(o) as KubeObject;
  return { ...given, metadata: { ...metadata, ...given.metadata } };
}

function create(d: ResourceDefinition, o: object): KubeObject {
  const made = object(d, o);
  d.setDefaults?.(made);
  d.prepareForCreate?.(made, ctx);
  return made;
}

for (const d of definitions) {
  const name = `${d.group || "core"}/${d.plural}`;
  test(`${name}: an empty object is refused or accepted, never thrown over`, () => {
    const o = create(d, {});
    assert.ok(Array.isArray(d.validate!(o, ctx)));
    const old = structuredClone(o);
    d.prepareForUpdate?.(o, old, ctx);
    assert.ok(Array.isArray(d.validateUpdate!(o, old, ctx)));
    d.prepareForStatusUpdate?.(o, old, ctx);
    assert.ok(Array.isArray(d.validateStatusUpdate!(o, old)));
    assert.ok(Array.isArray(d.warnings?.(o, undefined) ?? []));
    for (const c of d.columns) assert.notEqual(c.cell(o, 0), undefined, c.name);
    for (const [f, get] of Object.entries(d.fields ?? {})) assert.equal(typeof get(o), "string", f);
  });
  test(`${name}: defaults are the same the second time`, () => {
    const o = object(d, {});
    d.setDefaults?.(o);
    const once = structuredClone(o);
    d.setDefaults?.(o);
    assert.deepEqual(o, once);
  });
  test(`${name}: has a name, one column marked as such`, () => {
    assert.equal(d.columns.filter((c) => c.format === "name").length, 1);
    assert.equal(d.singular, d.kind.toLowerCase());
  });
}

const MB = "x".repeat(1024 * 1024 + 1);
const long = "a".repeat(64);
const slices = "discovery.k8s.io";
const cases: [name: string, plural: string, group: string, object: object, messages: string[]][] = [
  ["ConfigMap", "configmaps", "", { data: { "a.b": "c" } }, []],
  [
    "ConfigMap with a bad key",
    "configmaps",
    "",
    { data: { "a/b": "c" } },
    [
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [
    "ConfigMap with a key twice",
    "configmaps",
    "",
    { data: { a: "b" }, binaryData: { a: "Yg==" } },
    ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
  ],
  [
    "ConfigMap too big",
    "configmaps",
    "",
    { data: { a: MB } },
    ["[]: Too long: may not be more than 1048576 bytes"],
  ],
  [
    "claim of nothing",
    "persistentvolumeclaims",
    "",
    { spec: {} },
    [
      "spec.accessModes: Required value: at least 1 access mode is required",
      "spec.resources[storage]: Required value",
    ],
  ],
  [
    "claim with modes that exclude each other",
    "persistentvolumeclaims",
    "",
    {
      spec: {
        accessModes: ["ReadWriteOnce", "ReadWriteOncePod"],
        resources: { requests: { storage: "0" } },
        storageClassName: "A",
      },
    },
    [
      "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      "spec.storageClassName: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    "volume with two sources",
    "persistentvolumes",
    "",
    {
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        hostPath: { path: "/a" },
        nfs: { path: "/b", server: "s" },
      },
    },
    ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
  ],
  [
    "quota of things that cannot be counted",
    "resourcequotas",
    "",
    { spec: { hard: { apples: "1", pods: "1.5", cpu: "500m", secrets: "-1" }, scopes: ["Now"] } },
    [
      'spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[secrets]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.scopes: Invalid value: ["Now"]: unsupported scope',
    ],
  ],
  [
    "class without provisioner",
    "storageclasses",
    "storage.k8s.io",
    { volumeBindingMode: "Later" },
    [
      "provisioner: Required value",
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  ],
  ["Secret", "secrets", "", { stringData: { a: "b" } }, []],
  [
    "Secret too big",
    "secrets",
    "",
    { stringData: { a: MB } },
    ["data: Too long: may not be more than 1048576 bytes"],
  ],
  [
    "TLS Secret without key",
    "secrets",
    "",
    { type: "kubernetes.io/tls", data: { "tls.crt": "" } },
    ["data[tls.key]: Required value"],
  ],
  [
    "Secret of a registry that is no JSON",
    "secrets",
    "",
    { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": "nope" } },
    [
      "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'n' looking for beginning of value",
    ],
  ],
  [
    "token Secret without account",
    "secrets",
    "",
    { type: "kubernetes.io/service-account-token" },
    ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
  ],
  ["Namespace", "namespaces", "", {}, []],
  [
    "Namespace with a dot",
    "namespaces",
    "",
    { metadata: { name: "a.b" } },
    ['metadata.name: Invalid value: "a.b": must not contain dots'],
  ],
  [
    "Namespace with a finalizer of nobody",
    "namespaces",
    "",
    { spec: { finalizers: ["mine"] } },
    [
      'spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  [
    "finalizer of nobody",
    "configmaps",
    "",
    { metadata: { finalizers: ["mine"] } },
    [
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  [
    "label value too long",
    "configmaps",
    "",
    { metadata: { labels: { a: long } } },
    [`metadata.labels: Invalid value: "${long}": must be no more than 63 bytes`],
  ],
  [
    "annotations too big",
    "configmaps",
    "",
    { metadata: { annotations: { a: "x".repeat(262144) } } },
    ["metadata.annotations: Too long: may not be more than 262144 bytes"],
  ],
  [
    "owner without uid",
    "configmaps",
    "",
    { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a" }] } },
    ["metadata.ownerReferences[0].uid: Required value: must not be empty"],
  ],
  [
    "no name",
    "configmaps",
    "",
    { metadata: { name: "" } },
    ["metadata.name: Required value: name or generateName is required"],
  ],
  [
    "Endpoints without addresses",
    "endpoints",
    "",
    { subsets: [{ ports: [{ port: 80 }] }] },
    ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
  ],
  [
    "Endpoints with a loopback address and two nameless ports",
    "endpoints",
    "",
    { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 80 }, { name: "b", port: 0 }] }] },
    [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      "subsets[0].ports[0].name: Required value",
      "subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
  ],
  ["EndpointSlice without type", "endpointslices", slices, {}, ["addressType: Required value"]],
  [
    "EndpointSlice of an unknown type",
    "endpointslices",
    slices,
    { addressType: "MAC" },
    ['addressType: Unsupported value: "MAC": supported values: "FQDN", "IPv4", "IPv6"'],
  ],
  [
    "EndpointSlice with an endpoint without addresses",
    "endpointslices",
    slices,
    { addressType: "IPv4", endpoints: [{ addresses: [] }] },
    ["endpoints[0].addresses: Required value: must contain at least 1 address"],
  ],
  [
    "EndpointSlice with an address of the other family",
    "endpointslices",
    slices,
    { addressType: "IPv4", endpoints: [{ addresses: ["fd00::1"] }] },
    ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address'],
  ],
  [
    "EndpointSlice with too many endpoints",
    "endpointslices",
    slices,
    { addressType: "IPv4", endpoints: Array.from({ length: 1001 }, () => ({ addresses: ["10.0.0.1"] })) },
    ["endpoints: Too many: 1001: must have at most 1000 items"],
  ],
  [
    "EndpointSlice with a port name twice",
    "endpointslices",
    slices,
    { addressType: "IPv4", ports: [{ port: 80 }, { port: 81 }] },
    ['ports[1].name: Duplicate value: ""'],
  ],
  [
    "RuntimeClass of a bad handler, overhead and toleration",
    "runtimeclasses",
    "node.k8s.io",
    {
      handler: "a.b",
      overhead: { podFixed: { apples: "1" } },
      scheduling: { tolerations: [{ operator: "Exists" }, { operator: "Exists" }] },
    },
    [
      'handler: Invalid value: "a.b": must not contain dots',
      'overhead.limits[apples]: Invalid value: "apples": must be a standard resource type or fully qualified',
      'overhead.limits[apples]: Invalid value: "apples": must be a standard resource for containers',
      'scheduling.tolerations[1]: Duplicate value: {"operator":"Exists"}',
    ],
  ],
  [
    "Ingress that leads nowhere",
    "ingresses",
    "networking.k8s.io",
    { spec: {} },
    ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
  ],
  [
    "Ingress with mistakes",
    "ingresses",
    "networking.k8s.io",
    {
      metadata: { annotations: { "kubernetes.io/ingress.class": "other" } },
      spec: {
        ingressClassName: "this",
        defaultBackend: {},
        rules: [
          { host: "10.0.0.1", http: { paths: [] } },
          {
            host: "*x",
            http: {
              paths: [
                { path: "/a//b", pathType: "Prefix", backend: { service: { name: "1s", port: {} } } },
                { path: "a", pathType: "ImplementationSpecific", backend: { resource: { kind: "K" } } },
                { pathType: "Foo", backend: { service: { port: { number: 70000 } } } },
                { path: "/" },
              ],
            },
          },
        ],
        tls: [{ hosts: ["A"], secretName: "s" }],
      },
    },
    [
      'spec.defaultBackend: Invalid value: "": resource or service backend is required',
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
      "spec.rules[0].http.paths: Required value",
      "spec.rules[1].host: Invalid value: \"*x\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "spec.rules[1].http.paths[0].path: Invalid value: \"/a//b\": must not contain '//'",
      "spec.rules[1].http.paths[0].backend: Required value: port name or number is required",
      'spec.rules[1].http.paths[1].path: Invalid value: "a": must be an absolute path',
      "spec.rules[1].http.paths[1].backend.resource.name: Required value",
      'spec.rules[1].http.paths[2].pathType: Unsupported value: "Foo": supported values: "Exact", "ImplementationSpecific", "Prefix"',
      "spec.rules[1].http.paths[2].backend.service.name: Required value",
      "spec.rules[1].http.paths[2].backend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
      "spec.rules[1].http.paths[3].pathType: Required value: pathType must be specified",
      "spec.tls[0].hosts[0]: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'annotations.kubernetes.io/ingress.class: Invalid value: "other": must match `ingressClassName` when both are specified',
    ],
  ],
  [
    "IngressClass with mistakes",
    "ingressclasses",
    "networking.k8s.io",
    { spec: { controller: "foo", parameters: { kind: "a/b", name: "n", namespace: "x" } } },
    [
      'spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")',
      "spec.parameters.kind: Invalid value: \"a/b\": may not contain '/'",
      "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    ],
  ],
  [
    "IPAddress that is none",
    "ipaddresses",
    "networking.k8s.io",
    { spec: { parentRef: { group: "a_b", resource: "x/y" } } },
    [
      'metadata.name: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      "spec.parentRef.group: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "spec.parentRef.resource: Invalid value: \"x/y\": may not contain '/'",
      "spec.parentRef.name: Required value",
    ],
  ],
  [
    "IPAddress not canonical, without a parent",
    "ipaddresses",
    "networking.k8s.io",
    { metadata: { name: "FD00::1" } },
    [
      'metadata.name: Invalid value: "FD00::1": must be in canonical form ("fd00::1")',
      "spec.parentRef: Required value",
    ],
  ],
  [
    "ServiceCIDR without ranges",
    "servicecidrs",
    "networking.k8s.io",
    {},
    ["spec.cidrs: Required value: at least one CIDR required"],
  ],
  [
    "ServiceCIDR of one family twice",
    "servicecidrs",
    "networking.k8s.io",
    { spec: { cidrs: ["10.0.0.1/24", "10.1.0.0/24"] } },
    [
      'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
      'spec.cidrs: Invalid value: ["10.0.0.1/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  ],
  ["RuntimeClass without a handler", "runtimeclasses", "node.k8s.io", {}, ["handler: Required value"]],
  [
    "PodTemplate without containers",
    "podtemplates",
    "",
    { template: { spec: {} } },
    ["template.spec.containers: Required value"],
  ],
  [
    "Lease of no duration",
    "leases",
    "coordination.k8s.io",
    { spec: { leaseDurationSeconds: 0 } },
    ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
  ],
  [
    "Node with the same taint twice",
    "nodes",
    "",
    {
      spec: {
        taints: [
          { key: "a", effect: "NoSchedule" },
          { key: "a", effect: "NoSchedule" },
        ],
      },
    },
    [
      'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
  ],
  [
    "Event about another namespace",
    "events",
    "",
    { involvedObject: { namespace: "other" } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  [
    "events.k8s.io Event without time",
    "events",
    "events.k8s.io",
    { regarding: { namespace: "default" }, type: "Normal" },
    ["eventTime: Required value"],
  ],
];
for (const [name, plural, group, o, expected] of cases)
  test(`create: ${name}`, () => {
    const d = find(plural, group);
    assert.deepEqual(d.validate!(create(d, o), ctx).map(fieldErrorMessage), expected);
  });

const changes: [name: string, plural: string, group: string, old: object, now: object, messages: string[]][] =
  [
    [
      "an immutable ConfigMap",
      "configmaps",
      "",
      { immutable: true, data: { a: "b" } },
      { data: { a: "c" } },
      [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
      ],
    ],
    [
      "the type of a Secret",
      "secrets",
      "",
      {},
      { type: "example.com/x" },
      ['type: Invalid value: "example.com/x": field is immutable'],
    ],
    [
      "the address type of a slice",
      "endpointslices",
      slices,
      { addressType: "IPv4" },
      { addressType: "IPv6" },
      ['addressType: Invalid value: "IPv6": field is immutable'],
    ],
    [
      "the range of a node",
      "nodes",
      "",
      { spec: { podCIDR: "10.244.0.0/24" } },
      { spec: { podCIDR: "10.244.1.0/24" } },
      ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
    ],
    [
      "the name",
      "configmaps",
      "",
      {},
      { metadata: { name: "b" } },
      ['metadata.name: Invalid value: "b": field is immutable'],
    ],
  ];
for (const [name, plural, group, was, now, expected] of changes)
  test(`update: ${name}`, () => {
    const d = find(plural, group);
    const old = create(d, was);
    const o = object(d, now);
    if (old.metadata.generation !== undefined) o.metadata.generation = old.metadata.generation;
    d.setDefaults?.(o);
    d.prepareForUpdate?.(o, old, ctx);
    assert.deepEqual(d.validateUpdate!(o, old, ctx).map(fieldErrorMessage), expected);
  });

test("stringData is merged into data, and wins", () => {
  const s = create(find("secrets"), { data: { a: "eA==", b: "eQ==" }, stringData: { a: "z" } }) as {
    data?: object;
    stringData?: object;
    type?: string;
  };
  assert.deepEqual([s.data, s.stringData, s.type], [{ a: "eg==", b: "eQ==" }, undefined, "Opaque"]);
});

test("a namespace gets its label, its finalizer and its phase", () => {
  const n = create(find("namespaces"), {}) as KubeObject & { spec: object; status: object };
  assert.deepEqual(n.metadata.labels, { "kubernetes.io/metadata.name": "a" });
  assert.deepEqual([n.spec, n.status], [{ finalizers: ["kubernetes"] }, { phase: "Active" }]);
});

test("an event is the same through both APIs", () => {
  const events = find("events", "events.k8s.io");
  const e = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "a" },
    regarding: { name: "web", kind: "Pod" },
    note: "Started",
    reportingController: "kubelet",
    deprecatedCount: 2,
  };
  const stored = events.storedAs!.toStorage(e as KubeObject);
  assert.deepEqual(stored, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "a" },
    involvedObject: { name: "web", kind: "Pod" },
    message: "Started",
    reportingComponent: "kubelet",
    count: 2,
  });
  assert.deepEqual(events.storedAs!.fromStorage(stored), e);
});

test("keys of Object.prototype are keys like others", () => {
  const d = find("configmaps");
  const o = object(d, { data: JSON.parse('{"constructor":"a","__proto__":"b"}') });
  assert.deepEqual(d.validate!(o, ctx), []);
});
