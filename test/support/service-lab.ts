// Pods and clients for tests of Services on a whole cluster: nginx that says its pod's name, and somebody to ask it from a pod, a
// host-network pod, a pod of the other node and the host.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { eventually, runCommand, startCluster, type TestCluster } from "./cluster.ts";

/** nginx that says its pod's name, at each of those ports. */
export function webPod(
  name: string,
  ports: Record<string, number>,
  extra: { spec?: object; metadata?: object } = {},
) {
  const serve = Object.values(ports).map((p) => `server { listen ${p}; return 200 "$hostname\\n"; }`);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...extra.metadata },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "web",
          image: "nginx",
          command: ["sh", "-c"],
          args: [`echo '${serve.join(" ")}' > /etc/nginx/conf.d/default.conf; exec nginx -g 'daemon off;'`],
          ports: Object.entries(ports).map(([n, containerPort]) => ({ name: n, containerPort })),
          readinessProbe: { httpGet: { port: Object.values(ports)[0] }, periodSeconds: 1 },
        },
      ],
      ...extra.spec,
    },
  };
}

/** A pod to ask from, on that node. */
const clientPod = (name: string, nodeName: string, hostNetwork = false) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    nodeName,
    hostNetwork,
    ...(hostNetwork ? { dnsPolicy: "ClusterFirstWithHostNet" } : {}),
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "c",
        image: "portolan.local/toolbox",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "3600"],
      },
    ],
  },
});

export const serviceObject = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec,
});
/** A web pod of that app on that node. */
export const on = (nodeName: string, app: string) => ({ spec: { nodeName }, metadata: { labels: { app } } });

/** What curl got: its exit code (0, 7 for refused, 28 for silence) and the body. */
export interface Reply {
  code: number;
  body: string;
}

export const clients = ["near", "far", "hostnet", "host"] as const;
/** A pod of node-1, a pod of node-2, a pod of node-1's own network, the machine. */
export type Client = (typeof clients)[number];

export interface ServiceLab {
  readonly cluster: TestCluster;
  apply(...items: object[]): Promise<void>;
  field(kind: string, name: string, path: string): Promise<string>;
  /** That field of a Service, once there is something in it. */
  given(name: string, path: string): Promise<string>;
  patch(name: string, spec: object): Promise<string>;
  /** Waits until every node's kernel has the Service. */
  programmed(name: string): Promise<string>;
  get(from: Client, url: string): Promise<Reply>;
  /** The wanted names answer at that address, each of them, and nobody else does. */
  reaches(from: Client, url: string, want: readonly string[]): Promise<void>;
  refused(from: Client, url: string): Promise<void>;
  dig(...args: string[]): Promise<string[]>;
}

/** What every test of a file begins with: a cluster of two nodes with the clients and those objects in it, all pods ready. */
export function openServiceLab(name: string, ...objects: object[]): ServiceLab {
  let cluster: TestCluster;
  async function apply(...items: object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const made = await cluster.kubectlWith({ input }, "apply", "-f", "-");
    assert.equal(made.code, 0, made.stderr);
  }
  const field = (kind: string, name: string, path: string): Promise<string> =>
    cluster.ok("get", kind, name, "-o", `jsonpath={${path}}`);
  async function get(from: Client, url: string): Promise<Reply> {
    const curl = ["curl", "-sS", "--max-time", "3", url];
    const { code, stdout, stderr } =
      from === "host"
        ? await runCommand(curl[0]!, curl.slice(1))
        : await cluster.kubectl("exec", `client-${from}`, "--", ...curl);
    // kubectl says the command's exit code in words.
    const own = /exit code (\d+)/.exec(stderr)?.[1];
    return { code: own ? Number(own) : code, body: stdout.trim() };
  }
  before(async () => {
    cluster = await startCluster(name, "--nodes", "2");
    await apply(
      clientPod("client-near", "node-1"),
      clientPod("client-far", "node-2"),
      clientPod("client-hostnet", "node-1", true),
      ...objects,
    );
    await cluster.ok("wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s");
  });
  after(async () => {
    const { code, stdout, stderr } = await cluster.down();
    assert.equal(code, 0, stdout + stderr);
  });
  return {
    get cluster() {
      return cluster;
    },
    apply,
    field,
    get,
    given: (name, path) =>
      eventually(`${name}'s ${path}`, 5000, async () => (await field("service", name, path)) || undefined),
    patch: (name, spec) =>
      cluster.ok("patch", "service", name, "--type=merge", "-p", JSON.stringify({ spec })),
    programmed: (name) =>
      cluster.ok("wait", "--for=condition=portolan.dev/Programmed", `service/${name}`, "--timeout=20s"),
    async reaches(from, url, want) {
      const seen = new Set<string>();
      for (let i = 0; i < 12 * want.length && seen.size < want.length; i++) {
        const { code, body } = await get(from, url);
        assert.equal(code, 0, `${from} ${url}: curl's exit code`);
        assert.ok(want.includes(body), `${from} ${url}: answered by ${body}, wanted ${want}`);
        seen.add(body);
      }
      assert.deepEqual([...seen].sort(), [...want].sort(), `${from} ${url}`);
    },
    async refused(from, url) {
      assert.equal((await get(from, url)).code, 7, `${from} ${url}: refused at once`);
    },
    async dig(...args) {
      const out = await cluster.ok("exec", "client-near", "--", "dig", "+short", ...args);
      return out.split("\n").filter(Boolean).sort();
    },
  };
}
