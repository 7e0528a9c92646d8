// The API server over TLS: one object read, creates acknowledged on disk, a long list, many watchers; each beside a bare
// node:https server that is asked the same by the same client (bare-server.ts).
import { fork, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { writeConfigs } from "../../src/app/cluster/configs.ts";
import { clusterPaths } from "../../src/app/cluster/paths.ts";
import { createPki, pkiFiles } from "../../src/app/cluster/pki.ts";
import { planCluster } from "../../src/app/cluster/plan.ts";
import { apiReady, until } from "../../src/app/cluster/ready.ts";
import type { BareOptions } from "./bare-server.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { load } from "./load.ts";

const pod = (name: string) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "bench" } },
    spec: { nodeName: "none", containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }] }] },
  });

export const api: Bench = {
  name: "api",
  async run() {
    const figures: Figure[] = [];
    const result = planCluster(
      { name: "bench-api", nodes: 1 },
      { taken: [], others: [], foreignIndexes: [], netns: "", portInUse: () => false },
    );
    if (!result.ok) throw new Error(result.message);
    const plan = { ...result.plan, gateway: "127.0.0.1" };
    const paths = clusterPaths("bench-api");
    for (const dir of [paths.dir, paths.store]) mkdirSync(dir, { recursive: true });
    await createPki(plan, paths.pki);
    writeConfigs(plan);
    const config = JSON.parse(readFileSync(paths.serverConfig, "utf8"));
    config.listen = config.listen.slice(0, 1);
    writeFileSync(paths.serverConfig, JSON.stringify(config));
    let bare: Bare | undefined;
    const server = spawn(process.execPath, ["dist/server.js", "--config", paths.serverConfig], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const pki = pkiFiles(paths.pki);
    const [ca, cert, key] = [pki.caCert, pki.admin.cert, pki.admin.key].map((f) =>
      readFileSync(f, "utf8"),
    ) as [string, string, string];
    const target = { port: plan.cluster.apiServer.port, ca, cert, key };
    const agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 1 });
    const ask: Ask = (method, path, body, port = target.port) =>
      new Promise((resolve, reject) => {
        const req = request(
          {
            agent,
            method,
            path,
            port,
            host: "127.0.0.1",
            headers: body ? { "content-type": "application/json" } : {},
          },
          (res) => {
            let text = "";
            res.setEncoding("utf8").on("data", (d: string) => {
              text += d;
            });
            res.on("end", () => ((res.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(text))));
          },
        );
        req.on("error", reject);
        req.end(body);
      });
    try {
      await until("the API server", 20_000, () => apiReady(plan));
      await until("the default service account", 10_000, () =>
        ask("GET", "/api/v1/namespaces/default/serviceaccounts/default").then(() => undefined),
      );
      await ask("POST", "/api/v1/namespaces/default/pods", pod("one"));
      const { cert: servingCert, key: servingKey } = pki.serving;
      bare = await startBare({
        cert: servingCert,
        key: servingKey,
        ca: pki.caCert,
        body: await ask("GET", onePath),
        // Beside the store, on the same disk.
        file: join(paths.dir, "bare.log"),
      });
      figures.push(
        ...(await readOne(target, bare.port)),
        ...(await creates(target, bare.port)),
        ...(await list(target, bare.port)),
        ...(await watchers(target, bare.port, ask)),
      );
    } finally {
      bare?.stop();
      agent.destroy();
      server.kill("SIGKILL");
      rmSync(paths.dir, { recursive: true, force: true });
      rmSync(paths.run, { recursive: true, force: true });
    }
    return figures;
  },
};

type Target = { port: number; ca: string; cert: string; key: string };
/** Of the API server, or of another one's port. */
type Ask = (method: string, path: string, body?: string, port?: number) => Promise<string>;

const onePath = "/api/v1/namespaces/default/pods/one";

interface Bare {
  port: number;
  stop(): void;
}

async function startBare(options: BareOptions): Promise<Bare> {
  const child = fork(new URL("./bare-server.js", import.meta.url));
  child.send(options);
  const port = await new Promise<number>((resolve) => child.once("message", (m) => resolve(m as number)));
  return { port, stop: () => void child.kill("SIGKILL") };
}

/** Both in turn, several times; the round whose ratio is in the middle. */
async function middle<T>(
  rounds: number,
  measure: (port: number) => Promise<T>,
  target: Target,
  bare: number,
  of: (t: T) => number,
): Promise<{ ours: T; floor: T }> {
  const all: { ours: T; floor: T }[] = [];
  for (let i = 0; i < rounds; i++) all.push({ ours: await measure(target.port), floor: await measure(bare) });
  all.sort((a, b) => of(a.ours) / of(a.floor) - of(b.ours) / of(b.floor));
  return all[rounds >> 1]!;
}

async function readOne(target: Target, bare: number): Promise<Figure[]> {
  const run = async (port: number): Promise<number> => {
    const options = { ...target, port, connections: 32, method: "GET", path: onePath };
    await load({ ...options, requests: 2000 });
    const r = await load({ ...options, requests: 20_000 });
    if (r.refused > 0) throw new Error(`${r.refused} reads were refused`);
    return 20_000 / r.seconds;
  };
  const { ours, floor } = await middle(3, run, target, bare, (n) => n);
  return [
    {
      what: "GET one object",
      value: ours,
      unit: "req/s",
      against: { what: "bare node:https", value: floor },
      goal: "≥ 0.5 x",
      met: ours / floor >= 0.5,
    },
  ];
}

async function creates(target: Target, bare: number): Promise<Figure[]> {
  const path = "/api/v1/namespaces/default/configmaps";
  let round = 0;
  const create = async (port: number, connections: number, requests: number) => {
    const body = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `made-${round++}-%` },
      data: { a: "x".repeat(200) },
    });
    const r = await load({ ...target, port, connections, requests, method: "POST", path, body });
    if (r.refused > 0) throw new Error(`${r.refused} creates were refused`);
    return { rate: requests / r.seconds, latencies: r.latencies };
  };
  await create(target.port, 100, 5000);
  await create(bare, 100, 5000);
  const many = await middle(
    3,
    (port) => create(port, 100, 10_000),
    target,
    bare,
    (t) => t.rate,
  );
  const one = await middle(
    3,
    (port) => create(port, 1, 300),
    target,
    bare,
    (t) => t.rate,
  );
  const against = (value: number) => ({ what: "bare node:https, body flushed", value });
  const { rate } = many.ours;
  const p99 = quantile(many.ours.latencies, 0.99);
  const p50 = quantile(one.ours.latencies, 0.5);
  return [
    {
      what: "creates on disk, 100 clients",
      value: rate,
      unit: "req/s",
      against: against(many.floor.rate),
      goal: "≥ 2500",
      met: rate >= 2500,
    },
    {
      what: "creates on disk, 100 clients, p99",
      value: p99,
      unit: "ms",
      against: against(quantile(many.floor.latencies, 0.99)),
      goal: "≤ 40",
      met: p99 <= 40,
    },
    {
      what: "creates on disk, 1 client, p50",
      value: p50,
      unit: "ms",
      against: against(quantile(one.floor.latencies, 0.5)),
      goal: "≤ 3",
      met: p50 <= 3,
    },
  ];
}

/** LIST of 10,000 pods: milliseconds to the first byte of the body; the floor is a read of one small object. */
async function list(target: Target, bare: number): Promise<Figure[]> {
  const path = "/api/v1/namespaces/default/pods";
  const made = await load({
    ...target,
    connections: 50,
    requests: 10_000,
    method: "POST",
    path,
    body: pod("list-%"),
  });
  if (made.refused > 0) throw new Error(`${made.refused} pods were refused`);
  const read = async (port: number): Promise<{ first: number; whole: number }> => {
    const agent = new Agent({ ...target, keepAlive: true, maxSockets: 1 });
    const get = (at: string, onFirst: () => void): Promise<void> =>
      new Promise((resolve, reject) => {
        const req = request({ agent, host: "127.0.0.1", port, path: at }, (res) => {
          res.once("data", onFirst);
          res.on("data", () => {});
          res.on("end", resolve);
        });
        req.on("error", reject).end();
      });
    try {
      await get("/version", () => {});
      const start = performance.now();
      let first = 0;
      await get(path, () => {
        first = performance.now() - start;
      });
      return { first, whole: performance.now() - start };
    } finally {
      agent.destroy();
    }
  };
  const { ours, floor } = await middle(9, read, target, bare, (t) => t.first);
  return [
    {
      what: "LIST of 10,000 pods, first byte",
      value: ours.first,
      unit: "ms",
      against: { what: "bare node:https, one small object", value: floor.first },
      goal: "≤ 20",
      met: ours.first <= 20,
    },
    { what: "LIST of 10,000 pods, whole", value: ours.whole, unit: "ms" },
  ];
}

/** One write to 1,000 watchers, all in this process: milliseconds until the last of them has it. */
async function watchers(target: Target, bare: number, ask: Ask): Promise<Figure[]> {
  const count = 1000;
  const path = "/api/v1/namespaces/default/configmaps";
  const version = JSON.parse(await ask("GET", `${path}?limit=1`)).metadata.resourceVersion;
  async function watchAt(port: number) {
    let onEvent: () => void = () => {};
    const sockets = await Promise.all(
      Array.from({ length: count }, () => {
        const socket = connect({ ...target, port, host: "127.0.0.1", servername: "localhost" });
        return new Promise<typeof socket>((resolve, reject) => {
          socket.on("error", reject);
          socket.write(`GET ${path}?watch=true&resourceVersion=${version} HTTP/1.1\r\nHost: bench\r\n\r\n`);
          socket.once("data", () => {
            socket.on("data", (d: Buffer) => {
              if (d.includes('"ConfigMap"')) onEvent();
            });
            resolve(socket);
          });
        });
      }),
    );
    let round = 0;
    const reach = async (): Promise<number> => {
      let seen = 0;
      const metadata = { name: `watched-${round++}` };
      const start = performance.now();
      const all = new Promise<void>((resolve) => {
        onEvent = () => {
          if (++seen === count) resolve();
        };
      });
      await ask("POST", path, JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata }), port);
      await all;
      return performance.now() - start;
    };
    return { port, reach, close: () => sockets.forEach((s) => void s.destroy()) };
  }
  const both = [await watchAt(target.port), await watchAt(bare)] as const;
  const reach = (port: number): Promise<number> => both[port === target.port ? 0 : 1].reach();
  const { ours, floor } = await middle(7, reach, target, bare, (n) => n);
  for (const b of both) b.close();
  return [
    {
      what: "one write reaches 1,000 watchers",
      value: ours,
      unit: "ms",
      against: { what: "bare node:https, body flushed", value: floor },
      goal: "≤ 100",
      met: ours <= 100,
    },
  ];
}
