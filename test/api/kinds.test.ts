// The kinds' rules as clients meet them: allocation when a type changes, warnings, parts of pods, refusals with every cause.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const core = "/api/v1/namespaces/default";
const strategic = { "content-type": "application/strategic-merge-patch+json" };
const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "a:1" }] },
};

async function change(path: string, body: unknown) {
  return server.request("PATCH", path, { body, headers: strategic });
}

test("a Service goes from ClusterIP to NodePort, back, and to ExternalName", async () => {
  const made = await server.request("POST", `${core}/services`, {
    body: { metadata: { name: "web" }, spec: { ports: [{ port: 80 }], selector: { app: "web" } } },
  });
  assert.equal(made.status, 201, made.text);
  const ip = made.body.spec.clusterIP;
  assert.match(ip, /^10\.96\./);
  assert.deepEqual(made.body.spec.clusterIPs, [ip]);
  const path = `${core}/services/web`;
  const nodePort = await change(path, { spec: { type: "NodePort" } });
  const port = nodePort.body.spec.ports[0].nodePort;
  assert.ok(port >= 30000 && port <= 32767, nodePort.text);
  assert.equal(nodePort.body.spec.externalTrafficPolicy, "Cluster");
  const back = await change(path, { spec: { type: "ClusterIP" } });
  assert.equal(back.body.spec.ports[0].nodePort, undefined, back.text);
  assert.equal(back.body.spec.clusterIP, ip);
  const moved = await change(path, { spec: { clusterIP: "10.96.200.200" } });
  assert.equal(moved.status, 422);
  assert.deepEqual(moved.body.details.causes, [
    {
      reason: "FieldValueInvalid",
      message: 'Invalid value: ["10.96.200.200"]: may not change once set',
      field: "spec.clusterIPs[0]",
    },
  ]);
  const external = await change(path, { spec: { type: "ExternalName", externalName: "example.com" } });
  assert.equal(external.status, 200, external.text);
  assert.equal(external.body.spec.clusterIP, undefined);
  const again = await change(path, { spec: { type: "ClusterIP", externalName: null } });
  assert.match(again.body.spec.clusterIP, /^10\.96\./, again.text);
});

test("a load balancer's status takes an address, and says its mode", async () => {
  const spec = { type: "LoadBalancer", ports: [{ port: 80 }], externalTrafficPolicy: "Local" };
  const made = await server.request("POST", `${core}/services`, { body: { metadata: { name: "lb" }, spec } });
  assert.equal(made.status, 201, made.text);
  assert.ok(made.body.spec.healthCheckNodePort > 0);
  const status = await change(`${core}/services/lb/status`, {
    status: { loadBalancer: { ingress: [{ ip: "172.30.200.1" }] } },
  });
  assert.deepEqual(status.body.status.loadBalancer, { ingress: [{ ip: "172.30.200.1", ipMode: "VIP" }] });
});

test("every answer about Endpoints says that they are deprecated", async () => {
  const warning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
  for (const answer of [
    await server.request("GET", `${core}/endpoints`),
    await server.request("POST", `${core}/endpoints`, { body: { metadata: { name: "e" } } }),
  ])
    assert.deepEqual([answer.headers.warning].flat(), [warning], answer.text);
});

test("a pod is refused with every cause at once", async () => {
  const bad = await server.request("POST", `${core}/pods`, {
    body: { metadata: { name: "bad" }, spec: { containers: [{ name: "C" }], restartPolicy: "No" } },
  });
  assert.equal(bad.status, 422);
  assert.equal(bad.body.reason, "Invalid");
  assert.deepEqual(
    bad.body.details.causes.map((c: { field: string }) => c.field),
    ["spec.containers[0].name", "spec.containers[0].image", "spec.restartPolicy"],
  );
});

test("an ephemeral container is added through its subresource only, and counts as a change", async () => {
  const made = await server.request("POST", `${core}/pods`, {
    body: { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "a:1" }] } },
  });
  assert.equal(made.status, 201, made.text);
  const ephemeralContainers = [{ name: "debug", image: "busybox", targetContainerName: "c" }];
  const main = await change(`${core}/pods/p`, { spec: { ephemeralContainers } });
  assert.equal(main.status, 422, main.text);
  const part = await change(`${core}/pods/p/ephemeralcontainers`, {
    metadata: { labels: { ignored: "yes" } },
    spec: { ephemeralContainers },
  });
  assert.equal(part.status, 200, part.text);
  assert.equal(part.body.spec.ephemeralContainers[0].imagePullPolicy, "Always");
  assert.equal(part.body.metadata.generation, 2);
  assert.equal(part.body.metadata.labels, undefined);
  const ports = await change(`${core}/pods/p/ephemeralcontainers`, {
    spec: { ephemeralContainers: [{ name: "more", image: "a:1", ports: [{ containerPort: 80 }] }] },
  });
  assert.match(
    ports.body.message,
    /spec\.ephemeralContainers\[[01]\]\.ports: Forbidden: cannot be set for an Ephemeral Container/,
  );
});

test("resize changes cpu and memory, not the class", async () => {
  const resources = { requests: { cpu: "100m" }, limits: { cpu: "200m" } };
  await server.request("POST", `${core}/pods`, {
    body: { metadata: { name: "r" }, spec: { containers: [{ name: "c", image: "a:1", resources }] } },
  });
  const more = await change(`${core}/pods/r/resize`, {
    spec: { containers: [{ name: "c", resources: { requests: { cpu: "150m" } } }] },
  });
  assert.equal(more.status, 200, more.text);
  assert.equal(more.body.spec.containers[0].resources.requests.cpu, "150m");
  const all = await change(`${core}/pods/r/resize`, {
    spec: {
      containers: [
        {
          name: "c",
          resources: { requests: { cpu: "200m", memory: "1Gi" }, limits: { cpu: "200m", memory: "1Gi" } },
        },
      ],
    },
  });
  assert.match(all.body.message, /Pod QOS Class may not change as a result of resizing/);
});

test("a Deployment's selector is immutable, its status is not its spec's business", async () => {
  const apps = "/apis/apps/v1/namespaces/default/deployments";
  const spec = { selector: { matchLabels: { app: "web" } }, template };
  const made = await server.request("POST", apps, { body: { metadata: { name: "d" }, spec } });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.metadata.generation, 1);
  const other = {
    selector: { matchLabels: { app: "db" } },
    template: { metadata: { labels: { app: "db" } } },
  };
  const refused = await change(`${apps}/d`, { spec: other });
  assert.match(refused.body.message, /spec\.selector: Invalid value: .*: field is immutable/);
  const status = await change(`${apps}/d/status`, {
    metadata: { annotations: { a: "b" }, labels: { a: "b" } },
    spec: { replicas: 9 },
    status: { conditions: [{ type: "StatusPatched", status: "True" }] },
  });
  assert.equal(status.status, 200, status.text);
  assert.deepEqual(
    [status.body.spec.replicas, status.body.metadata.annotations, status.body.metadata.labels],
    [1, { a: "b" }, undefined],
  );
  assert.equal(status.body.metadata.generation, 1);
});

test("a Service that cannot work is answered with a warning", async () => {
  const labelled = {
    metadata: { labels: { app: "nginx" } },
    spec: { containers: [{ name: "c", image: "a:1" }] },
  };
  const pod = { ...labelled, metadata: { ...labelled.metadata, name: "nginx-1" } };
  assert.equal((await server.request("POST", `${core}/pods`, { body: pod })).status, 201);
  const make = async (name: string, app: string, targetPort: string | number) => {
    const body = { metadata: { name }, spec: { selector: { app }, ports: [{ port: 80, targetPort }] } };
    const answer = await server.request("POST", `${core}/services`, { body });
    assert.equal(answer.status, 201, answer.text);
    return String(answer.headers.warning ?? "");
  };
  assert.match(await make("slip", "ngnix", 80), /spec\.selector: no pod has app=ngnix; 1 pod has app=nginx/);
  assert.match(await make("port", "nginx", "http"), /no selected pod has a TCP port named .{1,2}http/);
  assert.match(await make("early", "coming", "http"), /no pod has app=coming yet/);
  assert.equal(await make("right", "nginx", 80), "");
});
