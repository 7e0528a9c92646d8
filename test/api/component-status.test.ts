// What `kubectl get componentstatuses` says: the server tells it of its own parts, nobody writes it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";
import { runCommand } from "../support/cluster.ts";

let server: TestServer;
let why: string | undefined;
before(async () => {
  server = await startTestServer({
    components: [
      { name: "controller-manager", check: () => undefined },
      { name: "scheduler", check: () => why },
    ],
  });
});
after(() => server.close());

const path = "/api/v1/componentstatuses";

test("the parts as they are, with a warning that the kind is deprecated", async () => {
  const all = await server.request("GET", path);
  assert.equal(all.status, 200, all.text);
  assert.match(String(all.headers.warning), /v1 ComponentStatus is deprecated in v1\.19\+/);
  assert.equal(all.body.kind, "ComponentStatusList");
  assert.deepEqual(
    all.body.items.map((c: { metadata: { name: string } }) => c.metadata.name),
    ["controller-manager", "scheduler", "etcd-0"],
  );
  const one = await server.request("GET", `${path}/scheduler`);
  assert.deepEqual(one.body, {
    kind: "ComponentStatus",
    apiVersion: "v1",
    metadata: { name: "scheduler" },
    conditions: [{ type: "Healthy", status: "True", message: "ok" }],
  });
  why = "it ended";
  const ill = await server.request("GET", `${path}?fieldSelector=metadata.name%3Dscheduler`);
  assert.deepEqual(
    ill.body.items.map((c: { conditions: unknown }) => c.conditions),
    [[{ type: "Healthy", status: "False", message: "it ended" }]],
  );
});

test("kubectl prints them", async () => {
  why = "it ended";
  const { stdout, stderr } = await runCommand(process.env.KUBECTL ?? "kubectl", [
    ...["--kubeconfig", server.kubeconfig],
    ...["get", "cs"],
  ]);
  assert.deepEqual(stdout.trimEnd().split(/ *\n/), [
    "NAME                 STATUS      MESSAGE    ERROR",
    "controller-manager   Healthy     ok",
    "scheduler            Unhealthy   it ended",
    "etcd-0               Healthy     ok",
  ]);
  assert.match(stderr, /^Warning: v1 ComponentStatus is deprecated in v1\.19\+/);
});

const refusals: [method: string, path: string, status: number][] = [
  ["GET", `${path}/nothing`, 404],
  ["POST", path, 405],
  ["PUT", `${path}/scheduler`, 405],
  ["PATCH", `${path}/scheduler`, 405],
  ["DELETE", `${path}/scheduler`, 405],
  ["DELETE", path, 405],
  ["GET", `${path}?watch=true`, 405],
];
for (const [method, at, status] of refusals)
  test(`${method} ${at} is refused`, async () => {
    const answer = await server.request(method, at, method === "GET" ? {} : { body: {} });
    assert.equal(answer.status, status, answer.text);
  });
