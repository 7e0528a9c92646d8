import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { MemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { events, services } from "../../../core/api/refs.ts";
import type { Service } from "../../../core/api/types.ts";
import { startLoadBalancers } from "./mod.ts";

const finalizer = "service.kubernetes.io/load-balancer-cleanup";
const balancer = (name: string, spec: Service["spec"] = {}, ip?: string): Service => ({
  metadata: { name, namespace: "default", uid: `uid-${name}`, ...(ip ? { finalizers: [finalizer] } : {}) },
  spec: { type: "LoadBalancer", ...spec },
  status: { loadBalancer: ip ? { ingress: [{ ip, ipMode: "VIP" }] } : {} },
});
const ingress = (c: MemoryCluster, name: string): unknown =>
  c.find(services, `default/${name}`)?.status?.loadBalancer?.ingress;
const shown = (ip: string): unknown => [{ ip, ipMode: "VIP" }];
const reasons = (c: MemoryCluster, name: string): string[] =>
  c
    .all(events)
    .filter((e) => e.involvedObject.name === name)
    .map((e) => `${e.reason}: ${e.message}`)
    .sort();

test("an address with finalizer and events; changes of type and deletion free it", async (t) => {
  const { cluster } = await startRig(t, [startLoadBalancers]);
  cluster.put(services, balancer("a"));
  cluster.put(services, balancer("foreign", { loadBalancerClass: "example.com/x" }));
  await eventually(() => assert.deepEqual(ingress(cluster, "a"), shown("172.30.200.1")));
  assert.deepEqual(cluster.find(services, "default/a")!.metadata.finalizers, [finalizer]);
  await eventually(() =>
    assert.deepEqual(reasons(cluster, "a"), [
      "EnsuredLoadBalancer: Ensured load balancer",
      "EnsuringLoadBalancer: Ensuring load balancer",
    ]),
  );
  cluster.put(services, balancer("b", { loadBalancerClass: "portolan.dev/vip" }));
  await eventually(() => assert.deepEqual(ingress(cluster, "b"), shown("172.30.200.2")));
  assert.equal(ingress(cluster, "foreign"), undefined);
  cluster.change(services, "default/a", (s) => {
    s.spec!.type = "ClusterIP";
  });
  await eventually(() => {
    assert.equal(ingress(cluster, "a"), undefined);
    assert.deepEqual(cluster.find(services, "default/a")!.metadata.finalizers ?? [], []);
  });
  await cluster.delete(services, "b", { namespace: "default" });
  await eventually(() => assert.equal(cluster.find(services, "default/b"), undefined));
  cluster.put(services, balancer("c"));
  await eventually(() => assert.deepEqual(ingress(cluster, "c"), shown("172.30.200.1")));
});

test("what a status names stays, whatever comes first; a double is given another", async (t) => {
  const { cluster } = await startRig(t, [startLoadBalancers], {
    prepare(c) {
      c.put(services, balancer("a"));
      c.put(services, balancer("b", {}, "172.30.200.1"));
      c.put(services, balancer("c", {}, "172.30.200.1"));
    },
  });
  await eventually(() => {
    const all = ["a", "b", "c"].map((n) => JSON.stringify(ingress(cluster, n)));
    assert.equal(new Set(all).size, 3);
    assert.equal(all[1], JSON.stringify(shown("172.30.200.1")));
  });
});

test("a wanted address that somebody has is waited for", async (t) => {
  const { cluster } = await startRig(t, [startLoadBalancers], {
    prepare: (c) => void c.put(services, balancer("a", { loadBalancerIP: "172.30.200.77" })),
  });
  await eventually(() => assert.deepEqual(ingress(cluster, "a"), shown("172.30.200.77")));
  cluster.put(services, balancer("b", { loadBalancerIP: "172.30.200.77" }));
  await eventually(() =>
    assert.ok(
      reasons(cluster, "b").includes(
        "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: the load balancer IP 172.30.200.77 is in use by another Service",
      ),
    ),
  );
  assert.equal(ingress(cluster, "b"), undefined);
  cluster.change(services, "default/a", (s) => {
    s.spec!.loadBalancerIP = "172.30.200.78";
  });
  await eventually(() => {
    assert.deepEqual(ingress(cluster, "a"), shown("172.30.200.78"));
    assert.deepEqual(ingress(cluster, "b"), shown("172.30.200.77"));
  });
});

const second = {
  nodeCIDR: "fd00:172:30::/64",
  podCIDR: "fd00:10:244::/56",
  serviceCIDR: "fd00:10:96::/112",
  loadBalancerCIDR: "fd00:172:30:200::/112",
};
const shownAll = (...ips: string[]): unknown => ips.map((ip) => ({ ip, ipMode: "VIP" }));
const both = ["IPv4", "IPv6"];

test("an address of each family; a family that is let go of frees its address", async (t) => {
  const { cluster } = await startRig(t, [startLoadBalancers], { second });
  cluster.put(services, balancer("a", { ipFamilies: both }));
  await eventually(() =>
    assert.deepEqual(ingress(cluster, "a"), shownAll("172.30.200.1", "fd00:172:30:200::1")),
  );
  cluster.put(services, balancer("b", { ipFamilies: ["IPv6"] }));
  await eventually(() => assert.deepEqual(ingress(cluster, "b"), shownAll("fd00:172:30:200::2")));
  cluster.change(services, "default/a", (s) => {
    s.spec!.ipFamilies = ["IPv4"];
  });
  await eventually(() => assert.deepEqual(ingress(cluster, "a"), shownAll("172.30.200.1")));
  cluster.put(
    services,
    balancer("c", { ipFamilies: ["IPv6", "IPv4"], loadBalancerIP: "fd00:172:30:200::1" }),
  );
  await eventually(() =>
    assert.deepEqual(ingress(cluster, "c"), shownAll("fd00:172:30:200::1", "172.30.200.2")),
  );
});

test("both addresses in a status stay over a restart; a wanted one of the other family is refused", async (t) => {
  const { cluster } = await startRig(t, [startLoadBalancers], {
    second,
    prepare(c) {
      c.put(services, balancer("new", { ipFamilies: both }));
      const old = balancer("old", { ipFamilies: both }, "172.30.200.1");
      old.status!.loadBalancer!.ingress!.push({ ip: "fd00:172:30:200::1", ipMode: "VIP" });
      c.put(services, old);
      c.put(services, balancer("wrong", { ipFamilies: ["IPv4"], loadBalancerIP: "fd00:172:30:200::9" }));
    },
  });
  await eventually(() =>
    assert.deepEqual(ingress(cluster, "new"), shownAll("172.30.200.2", "fd00:172:30:200::2")),
  );
  assert.deepEqual(ingress(cluster, "old"), shownAll("172.30.200.1", "fd00:172:30:200::1"));
  await eventually(() =>
    assert.ok(
      reasons(cluster, "wrong").some((r) =>
        r.endsWith("the load balancer IP fd00:172:30:200::9 is IPv6, the Service is IPv4"),
      ),
    ),
  );
  assert.equal(ingress(cluster, "wrong"), undefined);
});
