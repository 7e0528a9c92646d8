// Every change of a Service's type by every kind of write: what is kept, what is given out, what is free again, and how the
// impossible ones are refused (kubernetes pkg/registry/core/service: TestUpdatePatchAllocatedValues, TestFeature*, and
// dropTypeDependentFields).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Answer, startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const services = "/api/v1/namespaces/default/services";
const ports = [{ name: "http", port: 80, protocol: "TCP", targetPort: 80 }];
const selector = { app: "web" };

/** The shapes a Service may have, as somebody would write them. */
const shapes = {
  ClusterIP: { type: "ClusterIP", selector, ports },
  headless: { type: "ClusterIP", clusterIP: "None", selector, ports },
  NodePort: { type: "NodePort", selector, ports },
  LoadBalancer: { type: "LoadBalancer", selector, ports },
  LocalLoadBalancer: { type: "LoadBalancer", externalTrafficPolicy: "Local", selector, ports },
  BareLoadBalancer: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, selector, ports },
  ExternalName: { type: "ExternalName", externalName: "example.com", selector, ports },
} as const;
type Shape = keyof typeof shapes;
const names = Object.keys(shapes) as Shape[];
const types: readonly Shape[] = ["ClusterIP", "headless", "NodePort", "LoadBalancer", "ExternalName"];

interface Outcome {
  /** "kept", "new", "None", or absent. */
  clusterIP?: string;
  nodePort?: string;
  healthCheckNodePort?: string;
  externalTrafficPolicy?: string;
  allocateLoadBalancerNodePorts?: boolean;
}

const taken = (type: string): string =>
  `spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for ${type} services`;
const once = 'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set';

/** What Kubernetes makes of a Service of one shape that is asked to be another: an outcome, or a refusal. */
function oracle(from: Shape, to: Shape, bare: boolean): Outcome | string {
  const had = from !== "ExternalName";
  const type = shapes[to].type;
  if (to === "ExternalName") return {};
  // A cluster IP, None too, is never let go of but by way of ExternalName.
  if (from === "headless" && (type === "NodePort" || type === "LoadBalancer")) return taken(type);
  if (from === "headless") return { clusterIP: "None" };
  if (to === "headless") return had ? once : { clusterIP: "None" };
  const clusterIP = had ? "kept" : "new";
  if (to === "ClusterIP") return { clusterIP };
  const hasPort = from === "NodePort" || from === "LoadBalancer" || from === "LocalLoadBalancer";
  // A load balancer that is given none keeps what the write does not take away.
  const nodePort = to === "BareLoadBalancer" ? (hasPort && !bare ? "kept" : "") : hasPort ? "kept" : "new";
  const policy = to === "LocalLoadBalancer" ? "Local" : "Cluster";
  return {
    clusterIP,
    ...(nodePort === "" ? {} : { nodePort }),
    externalTrafficPolicy: policy,
    ...(policy === "Local" ? { healthCheckNodePort: "new" } : {}),
    ...(type === "LoadBalancer" ? { allocateLoadBalancerNodePorts: to !== "BareLoadBalancer" } : {}),
  };
}

type Spec = Record<string, unknown> & { ports?: { nodePort?: number }[] };

/** Fields that the one shape has and the other has not, as nulls. */
function difference(from: Shape, to: Shape): Record<string, unknown> {
  const gone = Object.keys(shapes[from]).filter((k) => !(k in shapes[to]));
  const { ports: _p, selector: _s, ...rest } = shapes[to] as Record<string, unknown>;
  return { ...Object.fromEntries(gone.map((k) => [k, null])), ...rest };
}

const patch = (type: string, name: string, body: unknown, query = ""): Promise<Answer> =>
  server.request("PATCH", `${services}/${name}${query}`, {
    body,
    headers: { "Content-Type": `application/${type}` },
  });

const manifest = (name: string, shape: Shape): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: shapes[shape],
});

function kubectl(args: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const command = process.env.KUBECTL ?? "kubectl";
    const options = { env: { ...process.env, KUBECONFIG: server.kubeconfig }, timeout: 30_000 };
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? 1 : 0, text: stdout + stderr }),
    );
  });
}

interface Written {
  code: number;
  /** Of a refusal. */
  message: string;
}
const told = (a: Answer): Written => ({ code: a.status, message: a.body.message ?? "" });

/** Makes a Service of one shape and turns it into another. */
interface Way {
  /** The write says all of the Service, what was given out left away. */
  bare?: boolean;
  make(name: string, from: Shape): Promise<unknown>;
  change(name: string, from: Shape, to: Shape): Promise<Written>;
}
const post = (name: string, from: Shape): Promise<Answer> =>
  server.request("POST", services, { body: manifest(name, from) });
const applied = (name: string, shape: Shape): Promise<Answer> =>
  patch("apply-patch+yaml", name, manifest(name, shape), "?fieldManager=me");
const file = (name: string, shape: Shape): string => {
  const path = join(server.dir, `${name}.json`);
  writeFileSync(path, JSON.stringify(manifest(name, shape)));
  return path;
};
const ways: Record<string, Way> = {
  "merge patch": {
    make: post,
    change: async (name, from, to) =>
      told(await patch("merge-patch+json", name, { spec: difference(from, to) })),
  },
  "strategic merge patch": {
    make: post,
    change: async (name, from, to) =>
      told(await patch("strategic-merge-patch+json", name, { spec: difference(from, to) })),
  },
  "JSON patch": {
    make: post,
    change: async (name, from, to) => {
      const ops = Object.entries(difference(from, to)).map(([k, value]) =>
        value === null ? { op: "remove", path: `/spec/${k}` } : { op: "add", path: `/spec/${k}`, value },
      );
      return told(await patch("json-patch+json", name, ops));
    },
  },
  "update of what was read": {
    make: post,
    change: async (name, from, to) => {
      const { body } = await server.request("GET", `${services}/${name}`);
      const changes = difference(from, to);
      for (const [k, v] of Object.entries(changes))
        if (v === null) delete body.spec[k];
        else body.spec[k] = v;
      return told(await server.request("PUT", `${services}/${name}`, { body }));
    },
  },
  "replacement by a bare manifest": {
    bare: true,
    make: post,
    change: async (name, _, to) =>
      told(await server.request("PUT", `${services}/${name}`, { body: manifest(name, to) })),
  },
  "server-side apply": {
    make: applied,
    change: async (name, _, to) => told(await applied(name, to)),
  },
  "kubectl apply": {
    make: (name, from) => kubectl(["apply", "-f", file(name, from)]),
    change: async (name, _, to) => {
      const { code, text } = await kubectl(["apply", "-f", file(name, to)]);
      return { code: code === 0 ? 200 : 422, message: text };
    },
  },
};

async function specOf(name: string): Promise<Spec> {
  const { body } = await server.request("GET", `${services}/${name}`);
  return body.spec;
}

/** Whether a new Service gets that address or port. */
async function isFree(spec: object, type: string): Promise<boolean> {
  const answer = await server.request("POST", `${services}?dryRun=All`, {
    body: { metadata: { name: "asks" }, spec: { type, ports, ...spec } },
  });
  if (answer.status === 201) return true;
  assert.match(answer.body.message, /already allocated/, answer.text);
  return false;
}

const say = (before: unknown, now: unknown): string | undefined =>
  now === undefined || now === "None" ? (now as undefined) : now === before ? "kept" : "new";

async function check(name: string, before: Spec, to: Shape, wanted: Outcome): Promise<void> {
  const now = await specOf(name);
  const was = (s: Spec): number | undefined => s.ports![0]!.nodePort;
  const outcome = {
    clusterIP: say(before.clusterIP, now.clusterIP),
    nodePort: say(was(before), was(now)),
    healthCheckNodePort: now.healthCheckNodePort === undefined ? undefined : "new",
    externalTrafficPolicy: now.externalTrafficPolicy,
    allocateLoadBalancerNodePorts: now.allocateLoadBalancerNodePorts,
  };
  assert.deepEqual(JSON.parse(JSON.stringify(outcome)), wanted);
  assert.equal(now.type, shapes[to].type);
  const external = to === "ExternalName";
  assert.deepEqual(now.clusterIPs, external ? undefined : [now.clusterIP]);
  assert.deepEqual(now.ipFamilies, external ? undefined : ["IPv4"]);
  assert.equal(now.ipFamilyPolicy, external ? undefined : "SingleStack");
  assert.equal(now.internalTrafficPolicy, external ? undefined : "Cluster");
  // What it had and has no more is free, what it has is not.
  const addresses = new Set([before.clusterIP, now.clusterIP]) as Set<string | undefined>;
  for (const clusterIP of addresses)
    if (clusterIP !== undefined && clusterIP !== "None")
      assert.equal(await isFree({ clusterIP }, "ClusterIP"), clusterIP !== now.clusterIP, clusterIP);
  const numbers = (s: Spec) => [was(s), s.healthCheckNodePort as number | undefined];
  for (const nodePort of new Set([...numbers(before), ...numbers(now)]))
    if (nodePort !== undefined)
      assert.equal(
        await isFree({ ports: [{ ...ports[0], nodePort }] }, "NodePort"),
        !numbers(now).includes(nodePort),
        `${nodePort}`,
      );
}

for (const [way, { make, change, bare = false }] of Object.entries(ways))
  describe(way, () => {
    // A kubectl for each of all pairs would take its time.
    const some = way === "kubectl apply" ? types : names;
    for (const from of some)
      for (const to of some.filter((n) => n !== from))
        test(`${from} to ${to}`, async () => {
          const name = `${way.replaceAll(" ", "-").slice(0, 12)}-${from}-${to}`.toLowerCase();
          await make(name, from);
          const before = await specOf(name);
          const wanted = oracle(from, to, bare);
          const { code, message } = await change(name, from, to);
          if (typeof wanted === "string") {
            assert.equal(code, 422, message);
            assert.ok(message.includes(wanted), message);
            assert.deepEqual(await specOf(name), before);
          } else {
            assert.equal(code, 200, message);
            await check(name, before, to, wanted);
          }
        });
  });
