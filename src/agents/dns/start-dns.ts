// Cluster DNS of a node: watches the API, listens, answers. While the API cannot be reached the last known state answers.
import type { InformerSource, KubeClient } from "../../control/client/mod.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { mustParseCIDR, parseIP, printIP } from "../../core/net/mod.ts";
import { createClusterDirectory } from "../../core/network/dns/mod.ts";
import { serviceRanges } from "../../core/network/mod.ts";
import { watchCluster } from "./cluster-watch.ts";
import { createDnsMetrics } from "./metrics.ts";
import type { Clock, DnsSockets, Listener, Random, SocketAddress } from "./ports.ts";
import { createResponder } from "./responder.ts";
import { createUpstreams } from "./upstreams.ts";

export interface DnsOptions {
  client: KubeClient;
  /** Copies of the API that run for the whole process; absent: DNS has its own. */
  informers?: InformerSource;
  cluster: Pick<ClusterFacts, "domain" | "dnsAddress" | "podCIDR" | "serviceCIDR" | "second">;
  /** Where to answer, UDP and TCP. The addresses must be there. */
  listen: readonly SocketAddress[];
  /** Servers for names outside the cluster: `address` or `address:port` (port 53 otherwise). */
  upstreams: readonly string[];
  /** Addresses for /health (8080), /ready (8181) and metrics (9153); none when absent. */
  status?: { health?: SocketAddress; ready?: SocketAddress; metrics?: SocketAddress } | undefined;
  sockets: DnsSockets;
  clock: Clock;
  random: Random;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** SOA serial; e.g. the start time in seconds. */
  serial: number;
}

export interface ClusterDns {
  /** Resolves when it listens and knows the cluster; rejects where an address cannot be listened on. */
  readonly ready: Promise<void>;
  /** Resolves when, after the signal, everything is closed. */
  readonly done: Promise<void>;
}

function parseServer(text: string): SocketAddress | undefined {
  if (parseIP(text)) return { address: text, port: 53 };
  const m = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text);
  const address = m?.[1] ?? m?.[2] ?? "";
  const port = Number(m?.[3]);
  return parseIP(address) && port > 0 && port < 65536 ? { address, port } : undefined;
}

/** Upstream servers that are none of our own addresses: forwarding to oneself would make a loop. */
export function usableUpstreams(
  upstreams: readonly string[],
  own: readonly SocketAddress[],
): SocketAddress[] {
  const canonical = (s: SocketAddress): string => `${printIP(parseIP(s.address)!)} ${s.port}`;
  const taken = new Set(own.map(canonical));
  return upstreams
    .map(parseServer)
    .filter((s) => s !== undefined)
    .filter((s) => !taken.has(canonical(s)));
}

/** How long questions wait for the first view of the cluster; resolvers ask again after as long. */
const patienceMs = 4000;

export function startDns(options: DnsOptions, signal: AbortSignal): ClusterDns {
  const { cluster, sockets, clock, random, log } = options;
  const directory = createClusterDirectory();
  const own = [...options.listen, { address: cluster.dnsAddress, port: 53 }];
  const upstreams = createUpstreams({
    servers: usableUpstreams(options.upstreams, own),
    sockets,
    clock,
    random,
  });
  const metrics = createDnsMetrics(() => ({
    ...upstreams.counts,
    records: responder.table.size,
    cacheEntries: upstreams.cacheSize,
  }));
  const families = [cluster, ...(cluster.second ? [cluster.second] : [])];
  const podRanges = families.map((of) => of.podCIDR);
  const watch = watchCluster(
    {
      client: options.client,
      informers: options.informers,
      directory,
      rangesOf: (objects) =>
        families.flatMap(({ serviceCIDR: own }) => serviceRanges({ own, objects, others: podRanges })),
      onError: (error) => log.warn({ error: String(error) }, "watch failed, trying again"),
    },
    signal,
  );
  const responder = createResponder({
    directory,
    zone: {
      domain: cluster.domain.toLowerCase().replace(/\.$/, ""),
      dnsAddress: cluster.dnsAddress,
      ranges: families.flatMap((of) => [of.serviceCIDR, of.podCIDR]).map(mustParseCIDR),
      serial: options.serial,
    },
    synced: () => watch.hasSynced,
    whenSynced: Promise.race([watch.synced, clock.sleep(patienceMs, signal)]),
    upstreams,
    count: metrics.count,
    answered: metrics.answered,
    now: clock.now,
    onError(error) {
      metrics.broke();
      log.warn({ error: String(error) }, "a question could not be answered");
    },
  });
  const listeners: Listener[] = [];
  const text = { status: 200, type: "text/plain; charset=utf-8" };

  async function listen(): Promise<void> {
    const opened = (one: Promise<Listener>): Promise<unknown> => one.then((l) => listeners.push(l));
    /** A page that cannot be shown is no reason not to answer. */
    const http = async (
      at: SocketAddress | undefined,
      pages: Record<string, () => { status: number; body: string }>,
    ): Promise<void> => {
      if (!at) return;
      const show = (path: string) => {
        const page = Object.hasOwn(pages, path) ? pages[path]!() : undefined;
        return page && { ...text, ...page };
      };
      await opened(sockets.listenHttp(at, show)).catch((error) =>
        log.warn({ at, error: String(error) }, "a status page cannot be shown"),
      );
    };
    const results = await Promise.allSettled([
      ...options.listen.flatMap((at) => [
        opened(sockets.listenUdp(at, responder.udp)),
        opened(sockets.listenTcp(at, responder.tcp)),
      ]),
      http(options.status?.health, { "/health": () => ({ status: 200, body: "OK" }) }),
      http(options.status?.ready, {
        "/ready": () => (watch.hasSynced ? { status: 200, body: "OK" } : { status: 503, body: "kubernetes" }),
      }),
      http(options.status?.metrics, {
        "/metrics": () => ({
          status: 200,
          body: metrics.text(),
        }),
      }),
    ]);
    const failed = results.find((r) => r.status === "rejected");
    if (failed) throw failed.reason;
  }

  const listening = listen();
  upstreams.probe();
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const ready = listening.then(async () => {
    await Promise.race([watch.synced, aborted]);
    if (!signal.aborted) log.info({ listen: options.listen, upstreams: options.upstreams }, "DNS answers");
  });
  const done = (async () => {
    await listening.catch(() => {});
    await aborted;
    await Promise.all([watch.done, ...listeners.map((l) => l.close())]);
  })();
  // Whoever waits for `ready` hears of a failure; nobody needs to.
  ready.catch(() => {});
  return { ready, done };
}
