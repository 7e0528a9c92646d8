// Where a Service's endpoints come from, on two nodes with real pods: written by hand, pods that are not ready, a StatefulSet's.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { eventually, runCommand } from "../support/cluster.ts";
import { clients, on, openServiceLab, serviceObject, webPod } from "../support/service-lab.ts";

const lab = openServiceLab("origins");

describe("a Service without selector, the way to what is outside", () => {
  // What is outside: servers of the host, on addresses of its own.
  const outside = ["198.51.100.7", "198.51.100.8"];
  const servers = outside.map((address) =>
    createServer((_, response) => response.end(`${address}\n`)).on("error", () => {}),
  );
  let port = 0;

  before(async () => {
    for (const [i, address] of outside.entries()) {
      await runCommand("ip", ["address", "add", `${address}/32`, "dev", "lo"]);
      await new Promise<void>((resolve) => servers[i]!.listen(port, address, resolve));
      port = (servers[0]!.address() as AddressInfo).port;
    }
    await lab.apply(serviceObject("outside", { ports: [{ port: 80, targetPort: port }] }));
  });
  after(async () => {
    for (const [i, address] of outside.entries()) {
      servers[i]!.closeAllConnections();
      servers[i]!.close();
      await runCommand("ip", ["address", "delete", `${address}/32`, "dev", "lo"]);
    }
  });
  const slicesOf = async (name: string) =>
    JSON.parse(
      await lab.cluster.ok("get", "endpointslices", "-l", `kubernetes.io/service-name=${name}`, "-o", "json"),
    ).items as {
      metadata: {
        name: string;
        labels: Record<string, string>;
        ownerReferences?: { kind: string; name: string }[];
      };
      endpoints: { addresses: string[] }[];
    }[];
  const endpoints = (addresses: readonly string[]) => ({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "outside" },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ port }] }],
  });

  test("it refuses until somebody says where it is", async () => {
    await lab.programmed("outside");
    await lab.refused("near", `http://${await lab.field("service", "outside", ".spec.clusterIP")}`);
  });

  test("hand-written Endpoints are mirrored into a slice, and lead there from everywhere", async () => {
    await lab.apply(endpoints(outside));
    const [mirror] = await eventually("the mirror", 5000, async () => {
      const slices = await slicesOf("outside");
      return slices.length === 1 ? slices : undefined;
    });
    assert.equal(
      mirror!.metadata.labels["endpointslice.kubernetes.io/managed-by"],
      "endpointslicemirroring-controller.k8s.io",
    );
    assert.deepEqual(
      mirror!.metadata.ownerReferences?.map((o) => [o.kind, o.name]),
      [["Endpoints", "outside"]],
    );
    await lab.cluster.ok("wait", "--for=condition=portolan.dev/Serving", "service/outside", "--timeout=20s");
    const url = `http://${await lab.field("service", "outside", ".spec.clusterIP")}`;
    for (const from of clients) await lab.reaches(from, url, outside);
    await lab.reaches("near", "http://outside.default", outside);
  });

  test("another address in them is the only one that answers; without them it refuses again", async () => {
    const url = `http://${await lab.field("service", "outside", ".spec.clusterIP")}`;
    await lab.apply(endpoints(outside.slice(1)));
    await eventually("one address in the mirror", 5000, async () =>
      (await slicesOf("outside")).flatMap((s) => s.endpoints.flatMap((e) => e.addresses)).join() ===
      outside[1]
        ? true
        : undefined,
    );
    await eventually("the other answers", 5000, async () => {
      for (let i = 0; i < 8; i++) if ((await lab.get("far", url)).body !== outside[1]) return undefined;
      return true;
    });
    await lab.cluster.ok("delete", "endpoints", "outside");
    await eventually("refused", 5000, async () =>
      (await lab.get("far", url)).code === 7 ? true : undefined,
    );
    assert.deepEqual(await slicesOf("outside"), []);
  });

  test("a hand-written EndpointSlice leads there, and is left alone", async () => {
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "by-hand", labels: { "kubernetes.io/service-name": "outside" } },
      addressType: "IPv4",
      ports: [{ name: "", port, protocol: "TCP" }],
      endpoints: [{ addresses: [outside[0]] }],
    };
    await lab.apply(slice);
    const url = `http://${await lab.field("service", "outside", ".spec.clusterIP")}`;
    await eventually("it answers", 5000, async () =>
      (await lab.get("near", url)).code === 0 ? true : undefined,
    );
    for (const from of clients) await lab.reaches(from, url, [outside[0]!]);
    assert.deepEqual(
      (await slicesOf("outside")).map((s) => s.metadata.name),
      ["by-hand"],
    );
  });

  test("headless: the name leads straight there", async () => {
    await lab.apply(serviceObject("direct", { clusterIP: "None", ports: [{ port }] }));
    await lab.apply({ ...endpoints(outside), metadata: { name: "direct" } });
    await eventually("both addresses", 5000, async () =>
      (await lab.dig("direct.default.svc.cluster.local")).join() === outside.join() ? true : undefined,
    );
    // Resolvers choose among the addresses of a name by themselves (RFC 6724).
    const { body } = await lab.get("near", `http://direct.default:${port}`);
    assert.ok(outside.includes(body), body);
  });
});

test("publishNotReadyAddresses: pods that are not ready are answers and endpoints", async () => {
  const never = { readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 } };
  const pod = webPod("early", { http: 80 }, on("node-2", "early"));
  Object.assign(pod.spec.containers[0]!, never);
  const spec = { selector: { app: "early" }, ports: [{ port: 80 }] };
  await lab.apply(
    pod,
    serviceObject("early", { ...spec, publishNotReadyAddresses: true }),
    serviceObject("early-names", { ...spec, clusterIP: "None", publishNotReadyAddresses: true }),
    serviceObject("punctual", spec),
    serviceObject("punctual-names", { ...spec, clusterIP: "None" }),
  );
  const podIP = await eventually(
    "its address",
    20_000,
    async () => (await lab.field("pod", "early", ".status.podIP")) || undefined,
  );
  await eventually("the Service answers", 10_000, async () =>
    (await lab.get("near", "http://early.default")).body === "early" ? true : undefined,
  );
  assert.deepEqual(await lab.dig("early-names.default.svc.cluster.local"), [podIP]);
  await lab.refused("near", "http://punctual.default");
  assert.deepEqual(await lab.dig("punctual-names.default.svc.cluster.local"), []);
  assert.equal(await lab.field("pod", "early", ".status.conditions[?(@.type=='Ready')].status"), "False");
});

test("a StatefulSet: names that stay, pods in order, each found by its name", async () => {
  const { spec, ...rest } = webPod("", { http: 80 }, {});
  const { nodeName: _, ...podSpec } = spec as typeof spec & { nodeName?: string };
  await lab.apply(
    serviceObject("db", { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "http", port: 80 }] }),
    {
      ...rest,
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "db" },
      spec: {
        serviceName: "db",
        replicas: 3,
        selector: { matchLabels: { app: "db" } },
        template: { metadata: { labels: { app: "db" } }, spec: podSpec },
      },
    },
  );
  await lab.cluster.ok("rollout", "status", "statefulset/db", "--timeout=60s");
  const pods = JSON.parse(await lab.cluster.ok("get", "pods", "-l", "app=db", "-o", "json")).items as {
    metadata: { name: string; uid: string; creationTimestamp: string };
    status: { podIP: string; conditions: { type: string; lastTransitionTime: string }[] };
  }[];
  assert.deepEqual(
    pods.map((p) => p.metadata.name),
    ["db-0", "db-1", "db-2"],
  );
  for (const [i, pod] of pods.entries()) {
    const before = pods[i - 1]?.status.conditions.find((c) => c.type === "Ready")?.lastTransitionTime;
    if (before)
      assert.ok(
        pod.metadata.creationTimestamp >= before,
        `${pod.metadata.name} began before the one before was ready`,
      );
    await lab.reaches("near", `http://db-${i}.db.default`, [`db-${i}`]);
  }
  assert.deepEqual(await lab.dig("db.default.svc.cluster.local"), pods.map((p) => p.status.podIP).sort());
  assert.deepEqual(await lab.dig("_http._tcp.db.default.svc.cluster.local", "SRV"), [
    "0 33 80 db-0.db.default.svc.cluster.local.",
    "0 33 80 db-1.db.default.svc.cluster.local.",
    "0 33 80 db-2.db.default.svc.cluster.local.",
  ]);
  await lab.cluster.ok("delete", "pod", "db-1");
  await lab.cluster.ok("rollout", "status", "statefulset/db", "--timeout=60s");
  assert.notEqual(await lab.field("pod", "db-1", ".metadata.uid"), pods[1]!.metadata.uid);
  await eventually("the name leads to the new pod", 5000, async () =>
    (await lab.get("near", "http://db-1.db.default")).body === "db-1" ? true : undefined,
  );
});
