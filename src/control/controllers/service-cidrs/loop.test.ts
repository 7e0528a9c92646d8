import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { MemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { makeService } from "../../../../test/support/pod-objects.ts";
import { ipAddresses, serviceCIDRs, services } from "../../../core/api/refs.ts";
import type { Service, ServiceCIDR } from "../../../core/api/types.ts";
import { startServiceCIDRs } from "./mod.ts";

const range = (name: string, cidr: string): ServiceCIDR => ({ metadata: { name }, spec: { cidrs: [cidr] } });
const web = (ip: string): Service => makeService({ clusterIP: ip, clusterIPs: [ip] });
const readyOf = (c: MemoryCluster, name: string): string | undefined =>
  c
    .find(serviceCIDRs, name)
    ?.status?.conditions?.map((x) => `${x.status} ${x.reason}`)
    .join();

test("an IPAddress a cluster IP, made again when it is deleted, gone with the Service", async (t) => {
  const { cluster } = await startRig(t, [startServiceCIDRs]);
  cluster.put(services, web("10.96.0.50"));
  const found = (): void => {
    const a = cluster.find(ipAddresses, "10.96.0.50");
    assert.deepEqual(a?.spec?.parentRef, {
      group: "",
      resource: "services",
      namespace: "default",
      name: "web",
    });
    assert.equal(a?.metadata.labels?.["ipaddress.kubernetes.io/ip-family"], "IPv4");
  };
  await eventually(found);
  await cluster.delete(ipAddresses, "10.96.0.50");
  await eventually(found);
  cluster.remove(services, "default/web");
  await eventually(() => assert.equal(cluster.find(ipAddresses, "10.96.0.50"), undefined));
});

test("both addresses of a Service, by their canonical names; one that it lets go of goes", async (t) => {
  const { cluster } = await startRig(t, [startServiceCIDRs]);
  const names = (): string[] =>
    cluster
      .all(ipAddresses)
      .map((a) => `${a.metadata.name} ${a.metadata.labels?.["ipaddress.kubernetes.io/ip-family"]}`)
      .sort();
  cluster.put(
    services,
    makeService({ clusterIP: "10.96.0.50", clusterIPs: ["10.96.0.50", "fd00:10:96:0::0:50"] }),
  );
  await eventually(() => assert.deepEqual(names(), ["10.96.0.50 IPv4", "fd00:10:96::50 IPv6"]));
  cluster.change(services, "default/web", (s) => {
    s.spec!.clusterIPs = ["10.96.0.50"];
  });
  await eventually(() => assert.deepEqual(names(), ["10.96.0.50 IPv4"]));
});

test("a range in use is not deleted until its last address is free", async (t) => {
  let skew = 0;
  const { cluster } = await startRig(t, [startServiceCIDRs], {
    now: () => Date.now() + skew,
    prepare(c) {
      c.put(serviceCIDRs, range("kubernetes", "10.96.0.0/16"));
      c.put(serviceCIDRs, range("more", "203.0.113.0/24"));
      c.put(services, web("203.0.113.10"));
    },
  });
  await eventually(() => assert.equal(readyOf(cluster, "more"), "True "));
  assert.deepEqual(cluster.find(serviceCIDRs, "more")!.metadata.finalizers, [
    "networking.k8s.io/service-cidr-finalizer",
  ]);
  await cluster.delete(serviceCIDRs, "more");
  await eventually(() => assert.equal(readyOf(cluster, "more"), "False Terminating"));
  skew = 20_000;
  cluster.remove(services, "default/web");
  await eventually(() => assert.equal(cluster.find(serviceCIDRs, "more"), undefined));
  assert.equal(readyOf(cluster, "kubernetes"), "True ");
});
