// A cluster as large as they come: ten nodes. Every node has every Service, and pods of all nodes reach each other through it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { netnsName } from "../../src/app/cluster/paths.ts";
import { runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

const nodes = Array.from({ length: 10 }, (_, i) => `node-${i + 1}`);
let cluster: TestCluster;
const name = "ten";

before(async () => {
  cluster = await startCluster(name, "--nodes", `${nodes.length}`);
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

/** curl in a node's namespace, or on the host. */
const page = (address: string, from?: string) => {
  const enter = from ? ["nsenter", `--net=/run/netns/${netnsName(name, from)}`] : [];
  const [command = "", ...args] = [...enter, "curl", "-sS", "--max-time", "3", `http://${address}`];
  return runCommand(command, args);
};

test("all are Ready", async () => {
  await cluster.ok("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s");
  const lines = (await cluster.ok("get", "nodes", "--no-headers")).trim().split("\n");
  assert.deepEqual(lines.map((l) => l.split(/\s+/)[0]).sort(), [...nodes].sort());
});

test("a pod on each, and its Service answers on every node and at every node's port", async () => {
  const labels = { app: "each" };
  const daemonSet = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "each" },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "web", image: "nginx" }] },
      },
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "each" },
    spec: { type: "NodePort", selector: labels, ports: [{ port: 80 }] },
  };
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: [daemonSet, service] });
  const made = await cluster.kubectlWith({ input }, "apply", "-f", "-");
  assert.equal(made.code, 0, made.stderr);
  await cluster.ok("rollout", "status", "daemonset/each", "--timeout=120s");
  await cluster.ok("wait", "--for=condition=portolan.dev/Serving", "service/each", "--timeout=20s");
  await cluster.ok("wait", "--for=condition=portolan.dev/Programmed", "service/each", "--timeout=20s");

  const pods = JSON.parse(await cluster.ok("get", "pods", "-l", "app=each", "-o", "json")).items as {
    spec: { nodeName: string };
  }[];
  assert.deepEqual(pods.map((p) => p.spec.nodeName).sort(), [...nodes].sort());
  const get = (path: string) => cluster.ok("get", "service", "each", "-o", `jsonpath={${path}}`);
  const [ip, nodePort] = [await get(".spec.clusterIP"), await get(".spec.ports[0].nodePort")];
  const addresses = await cluster.ok(
    "get",
    "nodes",
    "-o",
    "jsonpath={.items[*].status.addresses[0].address}",
  );
  const targets = [ip, ...addresses.split(" ").map((a) => `${a}:${nodePort}`)];
  for (const from of [undefined, ...nodes])
    for (const target of targets) {
      const { stdout, stderr } = await page(target, from);
      assert.match(stdout, /Welcome to nginx/, `${target} from ${from ?? "the host"}: ${stderr}`);
    }
});

test("who answers with policy Local is the pod of that node", async () => {
  await cluster.ok("patch", "service", "each", "-p", '{"spec":{"internalTrafficPolicy":"Local"}}');
  await cluster.ok("wait", "--for=condition=portolan.dev/Programmed", "service/each", "--timeout=20s");
  const ip = await cluster.ok("get", "service", "each", "-o", "jsonpath={.spec.clusterIP}");
  for (const node of nodes) {
    const [pod] = (
      await cluster.ok(
        ...["get", "pod", "-l", "app=each", "--field-selector", `spec.nodeName=${node}`, "-o", "name"],
      )
    ).split("\n");
    await cluster.ok("exec", pod!, "--", "sh", "-c", `echo ${node} > /usr/share/nginx/html/index.html`);
    for (let i = 0; i < 5; i++) assert.equal((await page(ip, node)).stdout.trim(), node);
  }
});
