// When is a cluster ready: its API answers, its nodes are Ready, its DNS resolves. Asked as a user would ask, over the network.
import { Resolver } from "node:dns/promises";
import { Agent, request } from "node:https";
import type { Node } from "../../core/api/types.ts";
import { clusterPaths } from "./paths.ts";
import { pkiFiles, readPem } from "./pki.ts";
import { apiHost, type Plan } from "./plan.ts";

export interface ApiAnswer {
  code: number;
  body: string;
}

/** One connection serves every question of a command: its handshake costs more than they do. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One GET with the administrator's certificate; rejects when nothing answers within the limit. */
function askApi(plan: Plan, path: string, timeoutMs = 2000): Promise<ApiAnswer> {
  const pki = pkiFiles(clusterPaths(plan.cluster.name).pki);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: apiHost(plan),
        port: plan.cluster.apiServer.port,
        path,
        ca: readPem(pki.caCert),
        cert: readPem(pki.admin.cert),
        key: readPem(pki.admin.key),
        agent,
        timeout: timeoutMs,
      },
      (res) => {
        let body = "";
        res.setEncoding("utf8");
        res.on("data", (d: string) => {
          body += d;
        });
        res.on("end", () => resolve({ code: res.statusCode ?? 0, body }));
        res.on("error", reject);
      },
    );
    req.on("timeout", () => req.destroy(new Error(`no answer from the API server within ${timeoutMs} ms`)));
    req.on("error", reject);
    req.end();
  });
}

/** Asks again until the answer is "yes", 10 ms to 100 ms apart; the last "why not" is in the error. */
export async function until(
  what: string,
  limitMs: number,
  ask: () => Promise<string | undefined>,
): Promise<void> {
  const end = performance.now() + limitMs;
  let pause = 10;
  for (;;) {
    const whyNot = await ask().catch((e: Error) => e.message);
    if (whyNot === undefined) return;
    if (performance.now() > end)
      throw new Error(`${what}: not within ${limitMs / 1000} s; last answer: ${whyNot}`);
    await new Promise((r) => setTimeout(r, pause));
    pause = Math.min(pause * 1.2, 100);
  }
}

export async function apiReady(plan: Plan): Promise<string | undefined> {
  const { code, body } = await askApi(plan, "/readyz");
  return code === 200 ? undefined : `${code} ${body.trim()}`;
}

export interface NodeHealth {
  name: string;
  ready: boolean;
  /** When the node last said so (Unix milliseconds, of whole seconds); 0: never. */
  heartbeat: number;
  /** Why not, in the node's own words. */
  reason: string;
}

export async function nodeHealth(plan: Plan): Promise<NodeHealth[]> {
  const { code, body } = await askApi(plan, "/api/v1/nodes");
  if (code !== 200) throw new Error(`GET /api/v1/nodes answered ${code}`);
  const items = (JSON.parse(body) as { items: Node[] }).items;
  return plan.nodes.map(({ name }) => {
    const condition = items
      .find((n) => n.metadata.name === name)
      ?.status?.conditions?.find((c) => c.type === "Ready");
    if (!condition) return { name, ready: false, heartbeat: 0, reason: "not registered" };
    const ready = condition.status === "True";
    const heartbeat = Date.parse(condition.lastHeartbeatTime ?? "") || 0;
    return {
      name,
      ready,
      heartbeat,
      reason: ready ? "" : (condition.message ?? condition.reason ?? "not ready"),
    };
  });
}

/** `started`: nodes that were started just now and when (Unix milliseconds); what they said before that is of the past. */
export async function nodesReady(
  plan: Plan,
  started: ReadonlyMap<string, number> = new Map(),
): Promise<string | undefined> {
  const not = (await nodeHealth(plan)).flatMap(({ name, ready, heartbeat, reason }) => {
    if (!ready) return `${name}: ${reason}`;
    const since = Math.floor((started.get(name) ?? 0) / 1000) * 1000;
    return heartbeat < since ? `${name}: silent since it was started` : [];
  });
  return not.length === 0 ? undefined : not.join("; ");
}

/** Resolves the API server's own name through the cluster's DNS, from the host. */
export async function dnsReady(plan: Plan): Promise<string | undefined> {
  const { cluster } = plan;
  const resolver = new Resolver({ timeout: 250, tries: 1 });
  resolver.setServers([cluster.dnsAddress]);
  const name = `kubernetes.default.svc.${cluster.domain}`;
  const six = cluster.apiServiceAddress.includes(":");
  const answer = await (six ? resolver.resolve6(name) : resolver.resolve4(name));
  return answer.includes(cluster.apiServiceAddress) ? undefined : `answered ${answer.join(", ")}`;
}
