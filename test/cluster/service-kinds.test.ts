// Every type of Service on two nodes with real pods: who answers at which address, from a pod, a host-network pod, a pod of the
// other node and the host, and what becomes of that when the type changes.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { eventually } from "../support/cluster.ts";
import { clients, on, openServiceLab, serviceObject, webPod } from "../support/service-lab.ts";

const lab = openServiceLab(
  "kinds",
  // One name for two numbers: a named targetPort means each pod's own.
  webPod("web-1", { http: 8080, admin: 9090 }, on("node-1", "web")),
  webPod("web-2", { http: 8081, admin: 9091 }, on("node-2", "web")),
);

describe("a Service that goes through all types", () => {
  const name = "web";
  const ports = [
    { name: "http", port: 80, targetPort: "http" },
    { name: "admin", port: 81, targetPort: "admin" },
  ];
  let clusterIP = "";
  let nodes: string[] = [];
  const nodePorts = async (): Promise<string[]> =>
    (await lab.field("service", name, ".spec.ports[*].nodePort")).split(" ").filter(Boolean);

  before(async () => {
    nodes = (
      await lab.cluster.ok("get", "nodes", "-o", "jsonpath={.items[*].status.addresses[0].address}")
    ).split(" ");
    await lab.apply(serviceObject(name, { selector: { app: "web" }, ports }));
    await lab.programmed(name);
    clusterIP = await lab.field("service", name, ".spec.clusterIP");
  });

  test("ClusterIP: two named ports, each to every pod's own number, from everywhere", async () => {
    await lab.cluster.ok("wait", "--for=condition=portolan.dev/Serving", `service/${name}`, "--timeout=20s");
    for (const from of clients)
      for (const port of [80, 81]) await lab.reaches(from, `http://${clusterIP}:${port}`, ["web-1", "web-2"]);
    await lab.refused("near", `http://${clusterIP}:82`);
  });

  test("a pod reaches itself through its Service", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 40 && seen.size < 2; i++)
      seen.add(
        (await lab.cluster.ok("exec", "web-1", "--", "curl", "-sS", "-m", "3", `http://${clusterIP}`)).trim(),
      );
    assert.deepEqual([...seen].sort(), ["web-1", "web-2"]);
  });

  test("NodePort: every node's address too, from everywhere", async () => {
    await lab.patch(name, { type: "NodePort" });
    await lab.programmed(name);
    assert.equal(await lab.field("service", name, ".spec.clusterIP"), clusterIP);
    const [http = "", admin = ""] = await nodePorts();
    for (const from of clients)
      for (const node of nodes)
        for (const port of [http, admin])
          await lab.reaches(from, `http://${node}:${port}`, ["web-1", "web-2"]);
    await lab.reaches("near", `http://${clusterIP}`, ["web-1", "web-2"]);
  });

  test("LoadBalancer: an address of the range beside them; the node ports are kept", async () => {
    const before = await nodePorts();
    await lab.patch(name, { type: "LoadBalancer" });
    const vip = await lab.given(name, ".status.loadBalancer.ingress[0].ip");
    await lab.programmed(name);
    assert.deepEqual(await nodePorts(), before);
    for (const from of clients) await lab.reaches(from, `http://${vip}`, ["web-1", "web-2"]);
    await lab.reaches("host", `http://${nodes[1]}:${before[0]}`, ["web-1", "web-2"]);
  });

  test("ClusterIP again: address and node ports are given back, and refuse", async () => {
    const before = await nodePorts();
    await lab.patch(name, { type: "ClusterIP" });
    await lab.programmed(name);
    assert.deepEqual(await nodePorts(), []);
    await lab.refused("host", `http://${nodes[0]}:${before[0]}`);
    await lab.refused("near", `http://${nodes[1]}:${before[0]}`);
    await lab.reaches("far", `http://${clusterIP}`, ["web-1", "web-2"]);
  });

  test("ExternalName: a CNAME, and nobody at the old address", async () => {
    await lab.patch(name, {
      type: "ExternalName",
      externalName: "web.example.com",
      clusterIP: null,
      clusterIPs: null,
    });
    await eventually("the name is an alias", 5000, async () =>
      (await lab.dig("web.default.svc.cluster.local", "CNAME")).join() === "web.example.com."
        ? true
        : undefined,
    );
    // An address of the range that no Service has is silent.
    assert.equal((await lab.get("near", `http://${clusterIP}`)).code, 28);
    await lab.cluster.ok("delete", "service", name);
  });
});

describe("LoadBalancer", () => {
  const spec = { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] };

  test("allocateLoadBalancerNodePorts: false: the address alone", async () => {
    await lab.apply(serviceObject("bare", { ...spec, allocateLoadBalancerNodePorts: false }));
    const vip = await lab.given("bare", ".status.loadBalancer.ingress[0].ip");
    await lab.programmed("bare");
    assert.equal(await lab.field("service", "bare", ".spec.ports[0].nodePort"), "");
    for (const from of clients) await lab.reaches(from, `http://${vip}`, ["web-1", "web-2"]);
  });

  test("loadBalancerIP: the address that was asked for", async () => {
    const range = (await lab.field("service", "bare", ".status.loadBalancer.ingress[0].ip")).replace(
      /\.\d+$/,
      "",
    );
    await lab.apply(serviceObject("chosen", { ...spec, loadBalancerIP: `${range}.77` }));
    assert.equal(await lab.given("chosen", ".status.loadBalancer.ingress[0].ip"), `${range}.77`);
    await lab.programmed("chosen");
    await lab.reaches("host", `http://${range}.77`, ["web-1", "web-2"]);
  });

  test("loadBalancerClass: left to who implements that class, whose address is then served", async () => {
    await lab.apply(serviceObject("theirs", { ...spec, loadBalancerClass: "example.com/other" }));
    await lab.apply(serviceObject("after", spec));
    await lab.given("after", ".status.loadBalancer.ingress[0].ip");
    assert.equal(await lab.field("service", "theirs", ".status.loadBalancer.ingress"), "");
    const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: "198.51.100.44" }] } } });
    await lab.cluster.ok("patch", "service", "theirs", "--subresource=status", "--type=merge", "-p", status);
    await lab.programmed("theirs");
    for (const from of ["near", "far", "hostnet"] as const)
      await lab.reaches(from, "http://198.51.100.44", ["web-1", "web-2"]);
  });
});
