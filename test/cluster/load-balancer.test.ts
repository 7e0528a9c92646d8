// Services of type LoadBalancer from the host, on two nodes: the address, source ranges, policy Local, changes of type.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("lb", "--nodes", "2");
  await cluster.ok("create", "deployment", "web", "--image=nginx");
  await cluster.ok("create", "service", "loadbalancer", "web", "--tcp=80:80");
  await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

const field = (path: string) => cluster.ok("get", "service", "web", "-o", `jsonpath={${path}}`);
const ingressIP = () => field(".status.loadBalancer.ingress[0].ip");
const change = (spec: object) => cluster.ok("patch", "service", "web", "-p", JSON.stringify({ spec }));
const page = (address: string) => runCommand("curl", ["-sS", "--max-time", "2", `http://${address}`]);

/** Waits until the host gets nginx's page, or does not. */
async function answers(address: string, wanted = true): Promise<void> {
  const what = `${address} ${wanted ? "answers" : "is silent"}`;
  await eventually(what, 10_000, async () => ((await page(address)).code === 0) === wanted || undefined);
}

test("it has an address of the range, in kubectl's words, and answers the host there", async () => {
  const ip = await eventually("an address", 5000, async () => (await ingressIP()) || undefined);
  assert.match(ip, /^172\.30\.2\d\d\.1$/);
  assert.equal(await field(".status.loadBalancer.ingress[0].ipMode"), "VIP");
  assert.match(
    await cluster.ok("get", "service", "web"),
    new RegExp(`LoadBalancer +10\\.\\S+ +${ip} +80:3\\d+/TCP`),
  );
  assert.equal(await field(".metadata.finalizers"), '["service.kubernetes.io/load-balancer-cleanup"]');
  await answers(ip);
});

test("loadBalancerSourceRanges keeps others out", async () => {
  const ip = await ingressIP();
  await change({ loadBalancerSourceRanges: ["203.0.113.0/24"] });
  await answers(ip, false);
  await change({ loadBalancerSourceRanges: null });
  await answers(ip);
});

test("externalTrafficPolicy Local keeps the client's address, on whichever node the pod is", async () => {
  const ip = await ingressIP();
  await change({ externalTrafficPolicy: "Local" });
  for (const node of ["node-1", "node-2"]) {
    const template = { spec: { template: { spec: { nodeName: node } } } };
    await cluster.ok("patch", "deployment", "web", "-p", JSON.stringify(template));
    await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
    await answers(ip);
    const pods = await eventually("the old pod is gone", 40_000, async () => {
      const names = (await cluster.ok("get", "pod", "-l", "app=web", "-o", "name")).trim().split("\n");
      return names.length === 1 ? names : undefined;
    });
    await answers(ip);
    const host = await runCommand("ip", ["-json", "route", "get", ip]);
    const source = JSON.parse(host.stdout)[0].prefsrc as string;
    await eventually(
      `a line of ${source} in the log`,
      5000,
      async () => (await cluster.ok("logs", pods[0]!)).includes(`${source} - - `) || undefined,
    );
  }
});

test("another type gives the address back, and deletion lets the Service go", async () => {
  const ip = await ingressIP();
  await change({ type: "ClusterIP", externalTrafficPolicy: null });
  await eventually(
    "no finalizer",
    5000,
    async () => (await field(".metadata.finalizers")) === "" || undefined,
  );
  assert.equal(await ingressIP(), "");
  await answers(ip, false);
  await change({ type: "LoadBalancer" });
  assert.equal(await eventually("an address", 5000, async () => (await ingressIP()) || undefined), ip);
  await cluster.ok("delete", "service", "web", "--timeout=10s");
  const wanted = [
    "EnsuringLoadBalancer",
    "EnsuredLoadBalancer",
    "DeletingLoadBalancer",
    "DeletedLoadBalancer",
  ];
  await eventually(`the events ${wanted}`, 3000, async () => {
    const events = await cluster.ok("get", "events", "-o", "jsonpath={.items[*].reason}");
    return wanted.every((reason) => events.includes(reason)) || undefined;
  });
});
