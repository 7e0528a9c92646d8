// Services of type LoadBalancer from the host, on two nodes: the address, source ranges, policy Local, changes of type.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { netnsName, nodeLinkName } from "../../src/app/cluster/paths.ts";
import type { Plan } from "../../src/app/cluster/plan.ts";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("lb", "--nodes", "2", "--zones", "a,b");
  await cluster.ok("create", "deployment", "web", "--image=nginx");
  await cluster.ok("create", "service", "loadbalancer", "web", "--tcp=80:80");
  await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
  const policy = readFileSync("/proc/sys/net/ipv4/fib_multipath_hash_policy", "utf8");
  assert.equal(policy.trim(), "0", "the host's setting is as it was");
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

/** What the pods on both nodes that answer for app=two say: the names of their nodes. */
async function twoPods(): Promise<void> {
  for (const node of ["node-1", "node-2"]) {
    const overrides = JSON.stringify({ spec: { nodeName: node } });
    await cluster.ok("run", `two-${node}`, "--image=nginx", "-l", "app=two", "--overrides", overrides);
  }
  await cluster.ok("wait", "--for=condition=Ready", "pod/two-node-1", "pod/two-node-2", "--timeout=60s");
  for (const node of ["node-1", "node-2"])
    await cluster.ok(
      ...["exec", `two-${node}`, "--", "sh", "-c"],
      `echo ${node} > /usr/share/nginx/html/index.html`,
    );
}

/** Who answers so many requests, in order and each once; "" for one that failed. `from`: a node, or the host. */
async function answering(address: string, requests: number, from?: string): Promise<string[]> {
  const seen = new Set<string>();
  const enter = from ? ["nsenter", `--net=/run/netns/${netnsName("lb", from)}`] : [];
  for (let i = 0; i < requests; i++) {
    const [command = "", ...args] = [...enter, "curl", "-sS", "--max-time", "1", `http://${address}`];
    const { code, stdout } = await runCommand(command, args);
    seen.add(code === 0 ? stdout.trim() : "");
  }
  return [...seen].sort();
}

test("trafficDistribution keeps clients in their zone, and follows the nodes' labels", async () => {
  await twoPods();
  const near = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "near" },
    spec: { selector: { app: "two" }, trafficDistribution: "PreferSameZone", ports: [{ port: 80 }] },
  };
  const made = await cluster.kubectlWith({ input: JSON.stringify(near) }, "apply", "-f", "-");
  assert.equal(made.code, 0, made.stderr);
  const address = await cluster.ok("get", "service", "near", "-o", "jsonpath={.spec.clusterIP}");
  const becomes = (from: string, want: string[]) =>
    eventually(`${want} from ${from}`, 10_000, async () => {
      const got = await answering(address, 12 * want.length, from);
      return got.join() === want.join() || undefined;
    });
  await becomes("node-1", ["node-1"]);
  await becomes("node-2", ["node-2"]);
  // Both pods are in zone b by now: who is there has both, who is not is left with all.
  await cluster.ok("label", "node", "node-1", "topology.kubernetes.io/zone=b", "--overwrite");
  await becomes("node-2", ["node-1", "node-2"]);
  await becomes("node-1", ["node-1", "node-2"]);
  await cluster.ok("label", "node", "node-1", "topology.kubernetes.io/zone=a", "--overwrite");
  await becomes("node-1", ["node-1"]);
  await cluster.ok("patch", "service", "near", "-p", '{"spec":{"trafficDistribution":"PreferSameNode"}}');
  await becomes("node-2", ["node-2"]);
  await cluster.ok("patch", "service", "near", "-p", '{"spec":{"trafficDistribution":null}}');
  await becomes("node-2", ["node-1", "node-2"]);
});

test("policy Local on two nodes: both answer; one that falls silent is left within seconds", async () => {
  await cluster.ok("create", "service", "loadbalancer", "two", "--tcp=80:80");
  await cluster.ok("patch", "service", "two", "-p", '{"spec":{"externalTrafficPolicy":"Local"}}');
  const ip = await eventually(
    "an address",
    5000,
    async () =>
      (await cluster.ok("get", "service", "two", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")) ||
      undefined,
  );
  const becomes = (what: string, want: string[]) =>
    eventually(what, 15_000, async () => {
      const got = await answering(ip, 20 * want.length);
      return got.join() === want.join() || undefined;
    });
  await becomes("both answer", ["node-1", "node-2"]);
  const check = await cluster.ok("get", "service", "two", "-o", "jsonpath={.spec.healthCheckNodePort}");
  for (const node of ["node-1", "node-2"]) {
    const address = await cluster.ok("get", "node", node, "-o", "jsonpath={.status.addresses[0].address}");
    const health = await runCommand("curl", ["-sSi", "--max-time", "2", `http://${address}:${check}`]);
    assert.match(
      health.stdout,
      /^HTTP\/1.1 200 OK[\s\S]*x-load-balancing-endpoint-weight: 1[\s\S]*"localEndpoints": 1/,
    );
  }
  const { index } = JSON.parse(
    readFileSync(`${cluster.env.PORTOLAN_STATE_DIR}/clusters/lb/plan.json`, "utf8"),
  ) as Plan;
  await runCommand("ip", ["link", "set", nodeLinkName(index, 2), "down"]);
  await becomes("the other node answers", ["node-1"]);
  await runCommand("ip", ["link", "set", nodeLinkName(index, 2), "up"]);
  await becomes("both answer again", ["node-1", "node-2"]);
  await cluster.ok("label", "pod", "two-node-1", "app=no-more", "--overwrite");
  await becomes("the endpoint that is left answers", ["node-2"]);
});

test("Programmed means that every node's kernel has it: at once after it, every node answers", async () => {
  const made = await cluster.kubectl("create", "service", "clusterip", "webs", "--tcp=80:80");
  assert.match(made.stderr, /^Warning: spec\.selector: no pod has app=webs; 1 pod has app=web$/m);
  await cluster.ok("set", "selector", "service", "webs", "app=web");
  await cluster.ok("wait", "--for=condition=portolan.dev/Serving", "service/webs", "--timeout=20s");
  const get = (path: string) => cluster.ok("get", "service", "webs", "-o", `jsonpath={${path}}`);
  const condition = (type: string) => get(`.status.conditions[?(@.type=="portolan.dev/${type}")]`);
  const address = await get(".spec.clusterIP");
  const { index } = JSON.parse(
    readFileSync(`${cluster.env.PORTOLAN_STATE_DIR}/clusters/lb/plan.json`, "utf8"),
  ) as Plan;
  const wait = () =>
    cluster.ok("wait", "--for=condition=portolan.dev/Programmed", "service/webs", "--timeout=20s");
  for (let port = 8001; port <= 8006; port++) {
    const spec = { ports: [{ port, targetPort: 80 }] };
    await cluster.ok("patch", "service", "webs", "--type=merge", "-p", JSON.stringify({ spec }));
    await wait();
    for (const node of ["node-1", "node-2"]) {
      const netns = netnsName("lb", node);
      const url = `http://${address}:${port}`;
      const r = await runCommand("ip", ["netns", "exec", netns, "curl", "-sS", "--max-time", "2", url]);
      assert.match(r.stdout, /Welcome to nginx/, `port ${port} on ${node}: ${r.stderr}`);
    }
  }
  await runCommand("ip", ["link", "set", nodeLinkName(index, 2), "down"]);
  const spec = { ports: [{ port: 8010, targetPort: 80 }] };
  await cluster.ok("patch", "service", "webs", "--type=merge", "-p", JSON.stringify({ spec }));
  assert.match(await condition("Programmed"), /"reason":"Pending","status":"Unknown"/);
  await eventually(
    "the node that does not follow is named",
    30_000,
    async () =>
      /in the kernel of node-2,.*"reason":"NodesBehind","status":"False"/.test(
        await condition("Programmed"),
      ) || undefined,
  );
  await runCommand("ip", ["link", "set", nodeLinkName(index, 2), "up"]);
  await wait();
  await cluster.ok("delete", "service", "webs");
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
