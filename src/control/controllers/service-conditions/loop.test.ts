import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiRig, startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { leases, namespaces, nodes, pods, serviceAccounts, services } from "../../../core/api/refs.ts";
import type { Service, ServiceSpec } from "../../../core/api/types.ts";
import { printProgress, progressLeaseName } from "../../../core/network/mod.ts";
import { pause } from "../../client/mod.ts";
import { startEndpointSlices } from "../endpointslice/mod.ts";
import { startServiceConditions } from "./mod.ts";

const at = { namespace: "default" };

/** A cluster with one ready node. */
const start = (t: { after(f: () => Promise<void>): void }): Promise<ApiRig> =>
  startApiRig(t, [startEndpointSlices, startServiceConditions], {
    async prepare(client) {
      await client.create(namespaces, { metadata: { name: "kube-system" } });
      await client.create(serviceAccounts, { metadata: { name: "default" } }, at);
      await client.create(nodes, { metadata: { name: "n0" } });
      const status = { conditions: [{ type: "Ready", status: "True" }] };
      await client.patch(nodes, "n0", { status }, { type: "merge", subresource: "status" });
      const metadata = { name: progressLeaseName("n0"), namespace: "kube-system" };
      await client.create(leases, { metadata }, { namespace: "kube-system" });
    },
  });

/** The node's proxy says that it has everything up to that revision. */
async function reached({ client }: ApiRig, revision: string): Promise<void> {
  const annotations = printProgress({ services: Number(revision), slices: Number(revision) });
  const to = { namespace: "kube-system", type: "merge" } as const;
  await client.patch(leases, progressLeaseName("n0"), { metadata: { annotations } }, to);
}
const make = ({ client }: ApiRig, name: string, spec: Partial<ServiceSpec> = {}): Promise<Service> =>
  client.create(
    services,
    {
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
    } as Service,
    at,
  );
async function shown({ client }: ApiRig, name: string): Promise<string[]> {
  const { status } = await client.get(services, name, at);
  const conditions = status?.conditions ?? [];
  return conditions.map((c) => `${c.type.replace("portolan.dev/", "")}=${c.status} ${c.reason}`).sort();
}
const becomes = (rig: ApiRig, name: string, wanted: string[]): Promise<void> =>
  eventually(async () => assert.deepEqual(await shown(rig, name), wanted));
const everything = String(1e9);

async function makePod(rig: ApiRig, app: string, ip: string): Promise<void> {
  const pod = {
    metadata: { name: app, labels: { app } },
    spec: { nodeName: "n0", containers: [{ name: "c", image: "x" }] },
  };
  await rig.client.create(pods, pod, at);
  const status = {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: "Ready", status: "True" }],
  };
  await rig.client.patch(pods, app, { status }, { ...at, type: "merge", subresource: "status" });
}

test("Programmed waits for the node, a change takes it back, Serving follows the pods", async (t) => {
  const rig = await start(t);
  await make(rig, "web");
  await becomes(rig, "web", ["Serving=False NoPodsSelected"]);
  await reached(rig, everything);
  await becomes(rig, "web", ["Programmed=True Programmed", "Serving=False NoPodsSelected"]);
  await makePod(rig, "web", "10.244.0.5");
  await becomes(rig, "web", ["Programmed=True Programmed", "Serving=True EndpointsReady"]);
  await reached(rig, "1");
  const spec = { ports: [{ port: 81, targetPort: 8080 }] };
  const changed = await rig.client.patch(services, "web", { spec }, { ...at, type: "merge" });
  assert.equal(changed.status!.conditions!.find((c) => c.type.endsWith("Programmed"))!.status, "Unknown");
  await pause(500, new AbortController().signal);
  assert.deepEqual(await shown(rig, "web"), ["Programmed=Unknown Pending", "Serving=Unknown Pending"]);
  await reached(rig, everything);
  await becomes(rig, "web", ["Programmed=True Programmed", "Serving=True EndpointsReady"]);
});

test("conditions of others stay, and what stands is not written again", async (t) => {
  const rig = await start(t);
  await reached(rig, everything);
  await make(rig, "web");
  const mine = {
    type: "Mine",
    status: "True",
    reason: "R",
    message: "m",
    lastTransitionTime: "2025-01-01T00:00:00Z",
  };
  await rig.client.patch(
    services,
    "web",
    { status: { conditions: [mine] } },
    { ...at, type: "merge", subresource: "status" },
  );
  await eventually(async () => assert.equal((await shown(rig, "web")).length, 3));
  assert.ok((await shown(rig, "web")).includes("Mine=True R"));
  await pause(600, new AbortController().signal);
  const { resourceVersion } = (await rig.client.get(services, "web", at)).metadata;
  await rig.client.patch(pods, "none", {}, { ...at, type: "merge" }).catch(() => undefined);
  await pause(600, new AbortController().signal);
  assert.equal((await rig.client.get(services, "web", at)).metadata.resourceVersion, resourceVersion);
  await rig.client.patch(
    services,
    "web",
    { status: { conditions: [mine] } },
    { ...at, type: "merge", subresource: "status" },
  );
  await eventually(async () => assert.equal((await shown(rig, "web")).length, 3));
});

test("names and headless Services need no node; a load balancer needs its address", async (t) => {
  const rig = await start(t);
  await make(rig, "alias", { type: "ExternalName", externalName: "example.com", selector: {} });
  await make(rig, "headless", { clusterIP: "None" });
  await make(rig, "balancer", { type: "LoadBalancer" });
  await becomes(rig, "alias", ["Programmed=True NothingToProgram", "Serving=True NameGiven"]);
  await becomes(rig, "headless", ["Programmed=True NothingToProgram", "Serving=False NoPodsSelected"]);
  await becomes(rig, "balancer", ["Programmed=False AddressNotAssigned", "Serving=False NoPodsSelected"]);
});

test("a Service that waits for pods is told of the one that comes near", async (t) => {
  const rig = await start(t);
  await make(rig, "nginx");
  await becomes(rig, "nginx", ["Serving=False NoPodsSelected"]);
  await makePod(rig, "nginx-svc", "10.244.0.6");
  // Only the message changes: at most once in 10 s, and this is the first.
  await eventually(async () => {
    const { status } = await rig.client.get(services, "nginx", at);
    assert.equal(
      status!.conditions!.at(-1)!.message,
      "spec.selector: no pod has app=nginx; 1 pod has app=nginx-svc",
    );
  });
});
