// The API of dynamic resource allocation: each kind made, read, watched, changed in every way and deleted, as a driver, a user
// and kubectl do it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";
import { runCommand } from "../support/cluster.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const root = "/apis/resource.k8s.io/v1";
const patchTypes = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

async function patch(path: string, type: keyof typeof patchTypes, body: unknown) {
  const query = type === "apply" ? "?fieldManager=test&force=true" : "";
  return server.request("PATCH", `${path}${query}`, { body, headers: { "content-type": patchTypes[type] } });
}

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await runCommand(process.env.KUBECTL ?? "kubectl", [
    ...["--kubeconfig", server.kubeconfig],
    ...args,
  ]);
  return stdout.trimEnd().replace(/ +$/gm, "").replace(/\d+s$/gm, "0s");
}

interface Row {
  kind: string;
  plural: string;
  namespaced: boolean;
  spec: object;
  /** A change of the object that is allowed, as a merge patch. */
  change: object;
  /** Cells of `kubectl get` between name and age. */
  header: string;
  cells: string;
}

const requests = [{ name: "req-0", exactly: { deviceClassName: "dra.example.com" } }];
const labelled = { metadata: { labels: { "test.dra.example.com": "test" } } };
const rows: Row[] = [
  {
    kind: "DeviceClass",
    plural: "deviceclasses",
    namespaced: false,
    spec: { selectors: [{ cel: { expression: "false" } }] },
    change: { spec: { selectors: [{ cel: { expression: "1 == 0" } }] } },
    header: "NAME AGE",
    cells: "",
  },
  {
    kind: "ResourceClaim",
    plural: "resourceclaims",
    namespaced: true,
    spec: { devices: { requests } },
    change: labelled,
    header: "NAME STATE AGE",
    cells: "pending ",
  },
  {
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    namespaced: true,
    spec: { spec: { devices: { requests } } },
    change: labelled,
    header: "NAME AGE",
    cells: "",
  },
  {
    kind: "ResourceSlice",
    plural: "resourceslices",
    namespaced: false,
    spec: {
      driver: "dra.example.com",
      pool: { name: "cluster", generation: 1, resourceSliceCount: 1 },
      nodeName: "no-such-node",
    },
    change: { spec: { devices: [{ name: "device-0" }] } },
    header: "NAME NODE DRIVER POOL AGE",
    cells: "no-such-node dra.example.com cluster ",
  },
];

for (const { kind, plural, namespaced, spec, change, header, cells } of rows) {
  const all = `${root}/${plural}`;
  const collection = namespaced ? `${root}/namespaces/default/${plural}` : all;
  const path = `${collection}/a`;
  const object = {
    apiVersion: "resource.k8s.io/v1",
    kind,
    metadata: { name: "a", labels: { of: "test" } },
    spec,
  };
  const holds = (actual: unknown, expected: object): void => {
    for (const [key, value] of Object.entries(expected))
      if (typeof value === "object") holds((actual as Record<string, object>)?.[key], value);
      else assert.equal((actual as Record<string, unknown>)?.[key], value, key);
  };
  const make = async () => {
    const made = await server.request("POST", `${collection}?fieldValidation=Strict`, { body: object });
    assert.equal(made.status, 201, made.text);
    return made.body;
  };
  const remove = async () => {
    const removed = await server.request("DELETE", path);
    assert.deepEqual([removed.status, removed.body.kind], [200, kind], removed.text);
    assert.equal((await server.request("GET", path)).status, 404);
  };

  test(`${kind}: discovery names it`, async () => {
    const { body } = await server.request("GET", root);
    const found = body.resources.filter((r: { name: string }) => r.name.split("/")[0] === plural);
    assert.deepEqual(
      found.map((r: { name: string; kind: string; namespaced: boolean }) => [r.name, r.kind, r.namespaced]),
      [[plural, kind, namespaced], ...(kind === "ResourceClaim" ? [[`${plural}/status`, kind, true]] : [])],
    );
  });

  test(`${kind}: create, get, list, update, delete`, async () => {
    const made = await make();
    holds(made, object);
    assert.deepEqual((await server.request("GET", path)).body, made);
    const next = structuredClone(made);
    Object.assign(next.metadata.labels, labelled.metadata.labels);
    const updated = await server.request("PUT", path, { body: next });
    assert.equal(updated.status, 200, updated.text);
    assert.ok(Number(updated.body.metadata.resourceVersion) > Number(made.metadata.resourceVersion));
    assert.equal((await server.request("PUT", path, { body: next })).status, 409);
    for (const list of [collection, all]) {
      const found = await server.request("GET", `${list}?labelSelector=test.dra.example.com%3Dtest`);
      assert.equal(found.body.kind, `${kind}List`);
      assert.deepEqual(
        found.body.items.map((i: { metadata: { name: string } }) => i.metadata.name),
        ["a"],
      );
    }
    await remove();
  });

  for (const type of ["strategic", "merge", "apply"] as const)
    test(`${kind}: patch (${type})`, async () => {
      await make();
      const head = type === "apply" ? { apiVersion: "resource.k8s.io/v1", kind } : {};
      // What is applied says the whole of an object's atomic lists and required fields.
      const body = type === "apply" && "spec" in change ? { spec: { ...spec, ...change.spec! } } : change;
      const patched = await patch(path, type, { ...head, ...body });
      assert.equal(patched.status, 200, patched.text);
      holds(patched.body, change);
      await remove();
    });

  test(`${kind}: patch (json), watch, delete a collection`, async () => {
    const made = await make();
    const op = { op: "add", path: "/metadata/labels/added", value: "yes" };
    const patched = await patch(path, "json", [op]);
    assert.equal(patched.body.metadata?.labels.added, "yes", patched.text);
    const gone = await server.request("DELETE", `${collection}?labelSelector=added%3Dyes`);
    assert.equal(gone.status, 200, gone.text);
    assert.equal((await server.request("GET", path)).status, 404);
    const since = `resourceVersion=${made.metadata.resourceVersion}`;
    const events = await server.request("GET", `${all}?watch=true&timeoutSeconds=1&${since}`);
    assert.deepEqual(
      events.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).type),
      ["MODIFIED", "DELETED"],
    );
  });

  test(`${kind}: kubectl`, async () => {
    await make();
    const table = (await kubectl("get", kind.toLowerCase())).split("\n").map((l) => l.replace(/ +/g, " "));
    assert.deepEqual(table, [header, `a ${cells}0s`]);
    assert.match(await kubectl("explain", `${kind.toLowerCase()}.spec`), /^GROUP: +resource\.k8s\.io$/m);
    await kubectl("delete", kind.toLowerCase(), "a");
  });
}

const claims = `${root}/namespaces/default/resourceclaims`;
const claim = {
  apiVersion: "resource.k8s.io/v1",
  kind: "ResourceClaim",
  metadata: { name: "claim" },
  spec: { devices: { requests } },
};

test("a claim gets its defaults and an empty status, and no generation", async () => {
  const made = await server.request("POST", claims, { body: { ...claim, status: { allocation: {} } } });
  assert.deepEqual(made.body.spec.devices.requests[0].exactly, {
    deviceClassName: "dra.example.com",
    allocationMode: "ExactCount",
    count: 1,
  });
  assert.deepEqual(made.body.status, {});
  assert.equal(made.body.metadata.generation, undefined);
  const changed = await patch(`${claims}/claim`, "merge", { spec: { devices: { requests: [] } } });
  assert.equal(changed.status, 422);
  assert.match(changed.body.message, /: field is immutable$/);
  await server.request("DELETE", `${claims}/claim`);
});

const device = { driver: "dra.example.com", pool: "cluster", device: "device-0" };
const allocation = { devices: { results: [{ request: "req-0", ...device }] } };
const ways: [type: keyof typeof patchTypes, body: unknown][] = [
  ["strategic", { status: { allocation } }],
  ["merge", { status: { allocation } }],
  ["json", [{ op: "add", path: "/status/allocation", value: allocation }]],
  ["apply", { apiVersion: claim.apiVersion, kind: claim.kind, status: { allocation } }],
];
for (const [type, body] of ways)
  test(`a claim's status: get, update, patch (${type})`, async () => {
    const path = `${claims}/claim`;
    const made = await server.request("POST", claims, { body: claim });
    const patched = await patch(`${path}/status`, type, body);
    assert.equal(patched.status, 200, patched.text);
    assert.deepEqual(patched.body.status.allocation, allocation);
    assert.deepEqual((await server.request("GET", `${path}/status`)).body, patched.body);
    assert.match(await kubectl("get", "resourceclaim", "claim", "--no-headers"), /^claim +allocated +0s$/);
    const reserved = structuredClone(patched.body);
    reserved.status.reservedFor = [{ resource: "pods", name: "web", uid: "u" }];
    reserved.metadata.labels = { not: "here" };
    const updated = await server.request("PUT", `${path}/status`, { body: reserved });
    assert.equal(updated.status, 200, updated.text);
    assert.equal(updated.body.metadata.labels, undefined);
    assert.match(await kubectl("get", "resourceclaim", "--no-headers"), /^claim +allocated,reserved +0s$/);
    const moved = await patch(`${path}/status`, "merge", { status: { allocation: { devices: null } } });
    assert.equal(moved.status, 422, moved.text);
    assert.equal(made.status, 201, made.text);
    await server.request("DELETE", path);
  });

test("an allocation of nothing is one", async () => {
  await server.request("POST", claims, { body: claim });
  const patched = await patch(`${claims}/claim/status`, "strategic", { status: { allocation: {} } });
  assert.deepEqual(patched.body.status, { allocation: { devices: {} } }, patched.text);
  await server.request("DELETE", `${claims}/claim`);
});

test("a write of a claim's status neither changes nor owns metadata", async () => {
  const metadata = { labels: { a: "b" }, annotations: { c: "d" } };
  for (const [type, head] of [
    ["merge", {}],
    ["apply", { apiVersion: claim.apiVersion, kind: claim.kind }],
  ] as const) {
    await server.request("POST", claims, { body: claim });
    const patched = await patch(`${claims}/claim/status`, type, {
      ...head,
      metadata,
      status: { allocation },
    });
    assert.equal(patched.status, 200, patched.text);
    assert.deepEqual(
      [patched.body.metadata.labels, patched.body.metadata.annotations],
      [undefined, undefined],
    );
    const own = patched.body.metadata.managedFields.find((f: { subresource?: string }) => f.subresource);
    assert.deepEqual(Object.keys(own.fieldsV1), ["f:status"], type);
    await server.request("DELETE", `${claims}/claim`);
  }
});

test("two drivers apply the state of their own devices, two schedulers their own pods", async () => {
  const path = `${claims}/claim/status`;
  await server.request("POST", claims, { body: claim });
  const results = ["a", "b"].map((d) => ({ request: "req-0", ...device, device: d }));
  await patch(path, "merge", { status: { allocation: { devices: { results } } } });
  const head = { apiVersion: claim.apiVersion, kind: claim.kind };
  const apply = async (name: string) => {
    const status = {
      devices: [{ ...device, device: name, data: { of: name } }],
      reservedFor: [{ resource: "pods", name, uid: `uid-${name}` }],
    };
    return server.request("PATCH", `${path}?fieldManager=${name}`, {
      body: { ...head, status },
      headers: { "content-type": patchTypes.apply },
    });
  };
  assert.equal((await apply("a")).status, 200);
  const both = await apply("b");
  assert.equal(both.status, 200, both.text);
  assert.deepEqual(
    both.body.status.devices.map((d: { device: string; data: object }) => [d.device, d.data]),
    [
      ["a", { of: "a" }],
      ["b", { of: "b" }],
    ],
  );
  assert.deepEqual(
    both.body.status.reservedFor.map((r: { uid: string }) => r.uid),
    ["uid-a", "uid-b"],
  );
  await server.request("DELETE", `${claims}/claim`);
});

test("slices are selected by node and driver", async () => {
  const slices = `${root}/resourceslices`;
  for (const node of ["node-1", "node-2"])
    await server.request("POST", slices, {
      body: {
        metadata: { name: node },
        spec: {
          driver: "D.example.com",
          pool: { name: node, generation: 1, resourceSliceCount: 1 },
          nodeName: node,
        },
      },
    });
  const named = async (selector: string): Promise<string[]> => {
    const { body } = await server.request("GET", `${slices}?fieldSelector=${encodeURIComponent(selector)}`);
    return body.items.map((s: { metadata: { name: string } }) => s.metadata.name);
  };
  assert.deepEqual(await named("spec.nodeName=node-2"), ["node-2"]);
  assert.deepEqual(await named("spec.driver=D.example.com"), ["node-1", "node-2"]);
  const changed = await patch(`${slices}/node-1`, "merge", { spec: { devices: [{ name: "a" }] } });
  assert.equal(changed.body.metadata.generation, 2, changed.text);
  assert.match(String(changed.headers.warning), /driver names should be lowercase/);
});

test("an administrator's access is claimed in a namespace that is labelled for it", async () => {
  const admin = { requests: [{ name: "a", exactly: { deviceClassName: "c", adminAccess: true } }] };
  const body = { ...claim, spec: { devices: admin } };
  const refused = await server.request("POST", claims, { body });
  assert.equal(refused.status, 422);
  assert.equal(
    refused.body.message,
    'ResourceClaim.resource.k8s.io "claim" is invalid: spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
  );
  const templates = `${root}/namespaces/default/resourceclaimtemplates`;
  const template = { metadata: { name: "t" }, spec: { spec: { devices: admin } } };
  assert.equal((await server.request("POST", templates, { body: template })).status, 422);
  const given = { devices: { results: [{ request: "req-0", ...device, adminAccess: true }] } };
  assert.equal(
    (await server.request("POST", claims, { body: { ...claim, metadata: { name: "plain" } } })).status,
    201,
  );
  const status = `${claims}/plain/status`;
  assert.equal((await patch(status, "merge", { status: { allocation: given } })).status, 422);
  await patch("/api/v1/namespaces/default", "merge", {
    metadata: { labels: { "resource.kubernetes.io/admin-access": "true" } },
  });
  assert.equal((await server.request("POST", claims, { body })).status, 201);
  assert.equal((await server.request("POST", templates, { body: template })).status, 201);
  assert.equal((await patch(status, "merge", { status: { allocation: given } })).status, 200);
});

test("nothing here was unexpected", () => assert.deepEqual(server.unexpected, []));
