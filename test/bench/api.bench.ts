// The API server over TLS: one object read, creates acknowledged on disk, a long list, many watchers.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { writeConfigs } from "../../src/app/cluster/configs.ts";
import { clusterPaths } from "../../src/app/cluster/paths.ts";
import { createPki, pkiFiles } from "../../src/app/cluster/pki.ts";
import { planCluster } from "../../src/app/cluster/plan.ts";
import { apiReady, until } from "../../src/app/cluster/ready.ts";
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
      { taken: [], others: [], netns: "", portInUse: () => false },
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
    const server = spawn(process.execPath, ["dist/server.js", "--config", paths.serverConfig], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const pki = pkiFiles(paths.pki);
    const [ca, cert, key] = [pki.caCert, pki.admin.cert, pki.admin.key].map((f) =>
      readFileSync(f, "utf8"),
    ) as [string, string, string];
    const target = { port: plan.cluster.apiServer.port, ca, cert, key };
    const agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 1 });
    const ask = (method: string, path: string, body?: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const req = request(
          {
            agent,
            method,
            path,
            port: target.port,
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
      figures.push(
        ...(await readOne(target, ask)),
        ...(await creates(target)),
        ...(await list(target)),
        ...(await watchers(target, ask)),
      );
    } finally {
      agent.destroy();
      server.kill("SIGKILL");
      rmSync(paths.dir, { recursive: true, force: true });
      rmSync(paths.run, { recursive: true, force: true });
    }
    return figures;
  },
};

type Target = { port: number; ca: string; cert: string; key: string };
type Ask = (method: string, path: string, body?: string) => Promise<string>;

/** GET of one object against a bare node:https server, in a process of its own, that answers the same bytes. */
async function readOne(target: Target, ask: Ask): Promise<Figure[]> {
  const path = "/api/v1/namespaces/default/pods/one";
  const bytes = await ask("GET", path);
  const file = join(mkdtempSync("/tmp/portolan-bench-"), "bare.mjs");
  const pki = pkiFiles(clusterPaths("bench-api").pki);
  writeFileSync(
    file,
    `import { createServer } from "node:https"; import { readFileSync } from "node:fs";
const body = Buffer.from(${JSON.stringify(bytes)});
const s = createServer({ cert: readFileSync(${JSON.stringify(pki.serving.cert)}), key: readFileSync(${JSON.stringify(pki.serving.key)}), ca: readFileSync(${JSON.stringify(pki.caCert)}), requestCert: true }, (q, r) => { r.writeHead(200, { "content-type": "application/json", "content-length": body.length }); r.end(body); });
s.listen(0, "127.0.0.1", () => process.send(s.address().port));`,
  );
  const bare = spawn(process.execPath, [file], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  try {
    const port = await new Promise<number>((resolve) => bare.once("message", (m) => resolve(m as number)));
    const run = async (p: number): Promise<number> => {
      const options = { ...target, port: p, connections: 32, method: "GET", path };
      await load({ ...options, requests: 2000 });
      const r = await load({ ...options, requests: 20_000 });
      if (r.refused > 0) throw new Error(`${r.refused} reads were refused`);
      return 20_000 / r.seconds;
    };
    const rounds: [number, number][] = [];
    for (let i = 0; i < 3; i++) rounds.push([await run(target.port), await run(port)]);
    rounds.sort((a, b) => a[0] / a[1] - b[0] / b[1]);
    const [ours, floor] = rounds[1]!;
    const met = ours / floor >= 0.5;
    return [
      {
        what: "GET one object",
        value: ours,
        unit: "req/s",
        against: { what: "bare node:https", value: floor },
        goal: "≥ 0.5 x",
        met,
      },
    ];
  } finally {
    bare.kill("SIGKILL");
    rmSync(join(file, ".."), { recursive: true });
  }
}

async function creates(target: Target): Promise<Figure[]> {
  const path = "/api/v1/namespaces/default/configmaps";
  const body = (prefix: string) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `${prefix}-%` },
      data: { a: "x".repeat(200) },
    });
  const create = async (prefix: string, connections: number, requests: number) => {
    const r = await load({ ...target, connections, requests, method: "POST", path, body: body(prefix) });
    if (r.refused > 0) throw new Error(`${r.refused} creates were refused`);
    return { rate: requests / r.seconds, latencies: r.latencies };
  };
  await create("warm", 100, 5000);
  const one = await create("one", 1, 500);
  const many: { rate: number; p99: number }[] = [];
  for (let i = 0; i < 3; i++) {
    const r = await create(`many-${i}`, 100, 10_000);
    many.push({ rate: r.rate, p99: quantile(r.latencies, 0.99) });
  }
  many.sort((a, b) => a.rate - b.rate);
  const { rate, p99 } = many[1]!;
  const p50 = quantile(one.latencies, 0.5);
  return [
    { what: "creates on disk, 100 clients", value: rate, unit: "req/s", goal: "≥ 2500", met: rate >= 2500 },
    { what: "creates on disk, 100 clients, p99", value: p99, unit: "ms", goal: "≤ 40", met: p99 <= 40 },
    { what: "creates on disk, 1 client, p50", value: p50, unit: "ms", goal: "≤ 3", met: p50 <= 3 },
  ];
}

/** LIST of 10,000 pods: milliseconds to the first byte of the body. */
async function list(target: Target): Promise<Figure[]> {
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
  const first: number[] = [];
  const whole: number[] = [];
  for (let i = 0; i < 5; i++) {
    const agent = new Agent({ ...target, keepAlive: true, maxSockets: 1 });
    await new Promise<void>((resolve, reject) => {
      const warm = request({ agent, host: "127.0.0.1", port: target.port, path: "/version" }, (res) =>
        res.resume().on("end", resolve),
      );
      warm.on("error", reject).end();
    });
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      const req = request({ agent, host: "127.0.0.1", port: target.port, path }, (res) => {
        res.once("data", () => first.push(performance.now() - start));
        res.on("data", () => {});
        res.on("end", resolve);
      });
      req.on("error", reject).end();
    });
    whole.push(performance.now() - start);
    agent.destroy();
  }
  const p50 = quantile(first, 0.5);
  return [
    { what: "LIST of 10,000 pods, first byte", value: p50, unit: "ms", goal: "≤ 20", met: p50 <= 20 },
    { what: "LIST of 10,000 pods, whole", value: quantile(whole, 0.5), unit: "ms" },
  ];
}

/** One write to 1,000 watchers, all in this process: milliseconds until the last of them has it. */
async function watchers(target: Target, ask: Ask): Promise<Figure[]> {
  const count = 1000;
  const version = JSON.parse(await ask("GET", "/api/v1/namespaces/default/configmaps?limit=1")).metadata
    .resourceVersion;
  let onEvent: () => void = () => {};
  const sockets = await Promise.all(
    Array.from({ length: count }, () => {
      const socket = connect({ ...target, host: "127.0.0.1", servername: "localhost" });
      return new Promise<typeof socket>((resolve, reject) => {
        socket.on("error", reject);
        socket.write(
          `GET /api/v1/namespaces/default/configmaps?watch=true&resourceVersion=${version} HTTP/1.1\r\nHost: bench\r\n\r\n`,
        );
        socket.once("data", () => {
          socket.on("data", (d: Buffer) => {
            if (d.includes('"ADDED"')) onEvent();
          });
          resolve(socket);
        });
      });
    }),
  );
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    let seen = 0;
    const start = performance.now();
    const all = new Promise<void>((resolve) => {
      onEvent = () => {
        if (++seen === count) resolve();
      };
    });
    await ask(
      "POST",
      "/api/v1/namespaces/default/configmaps",
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `watched-${i}` } }),
    );
    await all;
    times.push(performance.now() - start);
  }
  for (const s of sockets) s.destroy();
  const p50 = quantile(times, 0.5);
  return [
    { what: "one write reaches 1,000 watchers", value: p50, unit: "ms", goal: "≤ 100", met: p50 <= 100 },
  ];
}
