// Pods are replaced and taken away under steady load, through every kind of address: no connection is dropped and every
// request is answered.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";
import type { Aim, LoadResult } from "../support/steady-load.ts";

let cluster: TestCluster;
/** Network namespace of a pod on node-2. */
let client: string;
const loads = new Set<ChildProcess>();

before(async () => {
  cluster = await startCluster("graceful", "--nodes", "2");
  client = await clientOn("node-2");
});
after(async () => {
  for (const child of loads) child.kill("SIGKILL");
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

interface Load {
  end(): Promise<LoadResult[]>;
}

/** Starts the load in that network namespace ("" is the host). */
function startLoad(netns: string, aims: Aim[]): Load {
  const program = fileURLToPath(new URL("../support/steady-load.js", import.meta.url));
  const command = [process.execPath, program, JSON.stringify(aims)];
  const [file = "", ...args] = netns === "" ? command : ["nsenter", `--net=${netns}`, ...command];
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  loads.add(child);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (d: string) => {
    out += d;
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    async end() {
      child.stdin.end();
      await ended;
      loads.delete(child);
      return JSON.parse(out) as LoadResult[];
    },
  };
}

/** The network namespace of the pod with that uid: its processes are in a control group of that name. */
function namespaceOf(uid: string): string {
  for (const pid of readdirSync("/proc").filter((n) => /^\d+$/.test(n))) {
    try {
      const mine = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(uid);
      if (mine && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep\0"))
        return `/proc/${pid}/ns/net`;
    } catch {
      // The process has ended.
    }
  }
  throw new Error(`no process of the pod ${uid}`);
}

/** A client pod, asleep, on that node: its network namespace. */
async function clientOn(node: string): Promise<string> {
  const overrides = { spec: { nodeName: node, terminationGracePeriodSeconds: 0 } };
  const name = `client-${node}`;
  await cluster.ok(
    ...["run", name, "--image=portolan.local/toolbox", "--restart=Never"],
    ...["--overrides", JSON.stringify(overrides), "--", "sleep", "3600"],
  );
  await cluster.ok("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=30s");
  return namespaceOf(await cluster.ok("get", "pod", name, "-o", "jsonpath={.metadata.uid}"));
}

const template = (app: string, version: string, preStop: object) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: "web",
        image: "nginx",
        env: [{ name: "VERSION", value: version }],
        ports: [{ containerPort: 80 }],
        readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
        lifecycle: { preStop },
      },
    ],
  },
});

const apply = (...items: object[]) =>
  cluster
    .kubectlWith(
      { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) },
      ...["apply", "-f", "-"],
    )
    .then((r) => assert.equal(r.code, 0, r.stderr));

const workload = (kind: string, app: string, spec: object) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: app },
  spec: { selector: { matchLabels: { app } }, ...spec },
});

const balancer = (name: string, app: string, policy: string, nodePort: number) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: {
    type: "LoadBalancer",
    externalTrafficPolicy: policy,
    selector: { app },
    ports: [{ port: 80, nodePort }],
  },
});

const field = (kind: string, name: string, path: string) =>
  cluster.ok("get", kind, name, "-o", `jsonpath={${path}}`);
const vipOf = (service: string) =>
  eventually(
    "an address",
    5000,
    async () => (await field("service", service, ".status.loadBalancer.ingress[0].ip")) || undefined,
  );

const both = (name: string, address: string, port = 80): Aim[] => [
  { name: `${name}, a connection each`, address, port, keepAlive: false },
  { name: `${name}, kept connection`, address, port, keepAlive: true },
];

function assertFaultless(results: LoadResult[], atLeast = 100): void {
  for (const r of results) {
    assert.deepEqual(r.failures, [], r.name);
    assert.ok(r.answered > atLeast, `${r.name}: only ${r.answered} requests`);
  }
}

describe("a Deployment", () => {
  const hooks: [string, object][] = [
    ["preStop.sleep", { sleep: { seconds: 2 } }],
    ["a preStop command that sleeps", { exec: { command: ["sleep", "2"] } }],
  ];
  for (const [what, hook] of hooks)
    test(`rolling update and scale down with ${what}`, { timeout: 90_000 }, async () => {
      const spec = (version: string, replicas: number) =>
        workload("Deployment", "web", { replicas, template: template("web", version, hook) });
      await apply(
        spec("1", 3),
        balancer("web", "web", "Cluster", 30080),
        balancer("web-local", "web", "Local", 30081),
      );
      await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
      const ip = await field("service", "web", ".spec.clusterIP");
      const [vip, local] = [await vipOf("web"), await vipOf("web-local")];
      const node1 = await field("node", "node-1", ".status.addresses[0].address");
      const running = [
        startLoad("", [
          ...both("host to cluster IP", ip),
          ...both("host to load balancer", vip),
          ...both("host to load balancer, Local", local),
          ...both("host to node port", node1, 30080),
        ]),
        startLoad(client, [
          ...both("pod to cluster IP", ip),
          ...both("pod to load balancer, Local", local),
          ...both("pod to node port", node1, 30080),
        ]),
      ];
      await new Promise((r) => setTimeout(r, 500));
      await apply(spec("2", 3));
      await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
      await cluster.ok("scale", "deployment/web", "--replicas=1");
      await eventually("one pod", 30_000, async () => {
        const names = await cluster.ok("get", "pod", "-l", "app=web", "-o", "name");
        return names.trim().split("\n").length === 1 || undefined;
      });
      await new Promise((r) => setTimeout(r, 500));
      const results = (await Promise.all(running.map((l) => l.end()))).flat();
      assertFaultless(results);
    });
});

test("a DaemonSet's rolling update with surge, through each node's port with policy Local", {
  timeout: 90_000,
}, async () => {
  const spec = (version: string) =>
    workload("DaemonSet", "each", {
      template: template("each", version, { sleep: { seconds: 2 } }),
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
  await apply(spec("1"), balancer("each", "each", "Local", 30082));
  await cluster.ok("rollout", "status", "daemonset/each", "--timeout=60s");
  const [one = "", two = ""] = await Promise.all(
    ["node-1", "node-2"].map((n) => field("node", n, ".status.addresses[0].address")),
  );
  const running = [
    startLoad("", [...both("host to node-1", one, 30082), ...both("host to node-2", two, 30082)]),
    startLoad(client, [...both("pod to node-1", one, 30082), ...both("pod to node-2", two, 30082)]),
  ];
  await new Promise((r) => setTimeout(r, 500));
  await apply(spec("2"));
  await cluster.ok("rollout", "status", "daemonset/each", "--timeout=60s");
  await eventually("the old pods are gone", 30_000, async () => {
    const names = await cluster.ok("get", "pod", "-l", "app=each", "-o", "name");
    return names.trim().split("\n").length === 2 || undefined;
  });
  await new Promise((r) => setTimeout(r, 300));
  assertFaultless((await Promise.all(running.map((l) => l.end()))).flat());
  await cluster.ok("delete", "daemonset/each", "service/each");
});

test("an open connection stays with its node while the load balancer's address moves to another", {
  timeout: 60_000,
}, async () => {
  const echo = (node: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `echo-${node}`, labels: { app: "echo" } },
    spec: {
      nodeName: node,
      containers: [
        {
          name: "echo",
          image: "portolan.local/toolbox",
          command: ["socat", "TCP-LISTEN:80,fork,reuseaddr", "EXEC:cat"],
          lifecycle: { preStop: { sleep: { seconds: 4 } } },
        },
      ],
    },
  });
  await apply(echo("node-1"), balancer("echo", "echo", "Local", 30083));
  await cluster.ok("wait", "--for=condition=Ready", "pod/echo-node-1", "--timeout=30s");
  const vip = await vipOf("echo");
  const gateway = async (): Promise<string> => {
    const { stdout } = await runCommand("ip", ["-json", "route", "get", vip]);
    return JSON.parse(stdout)[0].gateway;
  };
  const node2 = await field("node", "node-2", ".status.addresses[0].address");
  const socket = await eventually("the first pod answers", 10_000, () => openEcho(vip));
  try {
    assert.equal(await say(socket, "one"), "one");
    await apply(echo("node-2"));
    await cluster.ok("wait", "--for=condition=Ready", "pod/echo-node-2", "--timeout=30s");
    assert.notEqual(await gateway(), node2);
    await cluster.ok("delete", "pod", "echo-node-1", "--wait=false");
    await eventually("the route leads to node-2", 3000, async () => (await gateway()) === node2 || undefined);
    for (let i = 0; i < 10; i++) {
      assert.equal(await say(socket, `still ${i}`), `still ${i}`);
      const fresh = await openEcho(vip);
      assert.equal(await say(fresh, "new"), "new");
      fresh.destroy();
      await new Promise((r) => setTimeout(r, 100));
    }
  } finally {
    socket.destroy();
  }
  await cluster.ok("delete", "pod", "-l", "app=echo", "--grace-period=1");
});

function openEcho(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const s = connect({ host: address, port: 80, timeout: 2000 }, () => resolve(s));
    s.on("error", reject);
    s.on("timeout", () => s.destroy(new Error("no answer")));
  });
}

/** What comes back for it. */
function say(socket: Socket, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error("the connection was closed"));
    socket.once("close", closed);
    socket.once("data", (d) => {
      socket.off("close", closed);
      resolve(String(d));
    });
    socket.write(word);
  });
}
