// The service proxy: watches Services and EndpointSlices (as kube-proxy selects them), host ports of the node's pods and the
// node's topology, and keeps the kernel's tables by them. An idle proxy applies a change at once; what comes while nft runs goes into the next transaction.
import {
  createInformer,
  createInformers,
  type InformerSource,
  type KubeClient,
} from "../../control/client/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type { EndpointSlice, Pod, Service } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import {
  hasHostPorts,
  hostPortsKey,
  isSameToProxies,
  isUnproxied,
  type NodeFacts,
  type Progress,
  resolveHostPorts,
  resolveService,
  serviceRanges,
  slowest,
} from "../../core/network/mod.ts";
import type { NftTable } from "../../core/nft/mod.ts";
import { keepFixedTables } from "./fixed-tables.ts";
import { healthAnswer, isEligible, isHealthy, type ProxyHealth } from "./health.ts";
import { createHealthNodePorts } from "./health-node-ports.ts";
import { createProxyMetrics, type IPFamily } from "./metrics.ts";
import type { Clock, Conntrack, HealthAnswer, HealthPorts, Log, NftTables } from "./ports.ts";
import { createProgrammingLatency } from "./programming-latency.ts";
import { createProgressReport } from "./progress-report.ts";
import { createTableKeeper } from "./table-keeper.ts";

export interface ProxyOptions {
  client: KubeClient;
  /** Copies of Services, EndpointSlices and ServiceCIDRs that run for the whole process; absent: the proxy has its own. */
  informers?: InformerSource;
  nodeName: string;
  cluster: ClusterFacts;
  /** The node's InternalIP: node ports answer on it. */
  nodeAddress: string;
  /** This node's part of the pod range. */
  podCIDR: string;
  nft: NftTables;
  conntrack: Conntrack;
  clock: Clock;
  log: Log;
  /** Addresses that the node itself answers, e.g. cluster DNS: never translated, never refused. Of any family. */
  localAddresses: readonly string[];
  /** The node's second family, on a dual-stack cluster. */
  second?: { nodeAddress: string; podCIDR: string; serviceCIDR: string };
  /** Tables beside the Services' that never change and are kept as they are here. */
  guards?: readonly NftTable[];
  /** Where load balancers ask for health; absent: nowhere. */
  healthPorts?: HealthPorts;
}

export interface ServiceProxy {
  /** Resolves when the kernel has the first whole table. */
  readonly synced: Promise<void>;
  /** Resolves after the signal aborts and the last transaction ended. The tables stay: traffic goes on. */
  readonly done: Promise<void>;
  /** The answer to /healthz and /livez. */
  healthz(page?: "healthz" | "livez"): HealthAnswer;
  /** The answer to /metrics, Prometheus text. */
  metrics(): string;
}

const serviceNameLabel = "kubernetes.io/service-name";
/** Name of the cluster's table. */
const serviceTable = (cluster: string): string => `portolan-${cluster}`;

const sliceOwner = (s: EndpointSlice): string =>
  `${s.metadata.namespace}/${s.metadata.labels?.[serviceNameLabel] ?? ""}`;
const isProxied = (s: EndpointSlice): boolean => !isUnproxied(s);
const serviceKey = (s: Service): string => `${s.metadata.namespace}/${s.metadata.name}`;
const isIPv6 = (text: string): boolean => text.includes(":");
const familyOf = (at: { nodeAddress: string }): IPFamily => (isIPv6(at.nodeAddress) ? "IPv6" : "IPv4");

/** Starts the proxy; it runs until the signal aborts. */
export function startProxy(options: ProxyOptions, signal: AbortSignal): ServiceProxy {
  const { client, nft, conntrack, clock, log } = options;
  const onError = (error: unknown): void => log.warn({ error: String(error) }, "watch failed, trying again");
  const own = options.informers ? undefined : createInformers(client, (_, error) => onError(error));
  const informers = options.informers ?? own!;
  const services = informers.of(refs.services);
  const slices = informers.of(refs.endpointSlices);
  slices.index("service", (s) => [sliceOwner(s)]);
  const pods = createInformer(client, refs.pods, {
    fieldSelector: `spec.nodeName=${options.nodeName}`,
    indexers: { "host-ports": (p) => (hasHostPorts(p) ? [hostPortsKey(p)] : []) },
    onError,
  });
  const nodes = createInformer(client, refs.nodes, {
    fieldSelector: `metadata.name=${options.nodeName}`,
    onError,
  });

  const cidrs = informers.of(refs.serviceCIDRs);
  const ranges = [options.cluster, ...(options.cluster.second ? [options.cluster.second] : [])];
  const pools = ranges.map((r) => r.loadBalancerCIDR).filter((r) => r !== "");
  const others = [...ranges.flatMap(({ podCIDR, nodeCIDR }) => [podCIDR, nodeCIDR]), ...pools];
  /** Everything that Services' addresses come from, load balancers' too, in the family of that range. */
  const rangesOf = (own: string): string[] => [
    ...serviceRanges({ own, objects: cidrs.list(), others }),
    ...pools.filter((p) => isIPv6(p) === isIPv6(own)),
  ];

  const metrics = createProxyMetrics();
  const latency = createProgrammingLatency(clock.wall());
  let health: ProxyHealth = { lastUpdated: undefined, waitingSince: undefined };
  let zone = "";
  const first = {
    nodeAddress: options.nodeAddress,
    podCIDR: options.podCIDR,
    serviceCIDR: options.cluster.serviceCIDR,
  };
  const families = [first, ...(options.second ? [options.second] : [])];
  const named = families.map((at) => (isIPv6(at.nodeAddress) ? "IPv6" : "IPv4"));
  /** Families whose table is behind. */
  const unsettled = new Set(families);
  /** Revisions that the caches are at: what is programmed now follows them. */
  const cached = (): Progress => ({ services: services.revision, slices: slices.revision });
  const reached = families.map(() => ({ taken: cached(), settled: undefined as Progress | undefined }));
  const report = createProgressReport({
    client,
    nodeName: options.nodeName,
    clock,
    log,
    progress() {
      const all = keepers.map((k, i) => (k.idle ? cached() : reached[i]!.settled));
      return all.every((p) => p !== undefined) ? slowest(all) : undefined;
    },
    node: () => nodes.get(options.nodeName),
  });
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  const ready = Promise.race([
    Promise.all([services, slices, pods, nodes, cidrs].map((i) => i.synced)),
    aborted,
  ]);
  const keepers = families.map((at, i) => {
    const v6 = isIPv6(at.nodeAddress);
    const family = familyOf(at);
    const facts = (): NodeFacts => ({
      family: v6 ? "ip6" : "ip",
      nodeName: options.nodeName,
      zone,
      nodeAddresses: [at.nodeAddress],
      podRanges: [at.podCIDR],
      serviceRanges: rangesOf(at.serviceCIDR),
      localAddresses: options.localAddresses.filter((a) => isIPv6(a) === v6),
    });
    return createTableKeeper({
      table: serviceTable(options.cluster.name),
      facts,
      ready,
      *keys() {
        for (const s of services.list()) if (!isUnproxied(s)) yield serviceKey(s);
        for (const p of pods.list()) if (hasHostPorts(p)) yield hostPortsKey(p);
      },
      routing(key, at) {
        const [pod] = pods.byIndex("host-ports", key);
        if (pod) return resolveHostPorts(pod, at);
        const service = services.get(key);
        if (!service || isUnproxied(service)) return undefined;
        return resolveService(service, slices.byIndex("service", key).filter(isProxied), at);
      },
      nft,
      conntrack,
      clock,
      log,
      applied(kind, milliseconds) {
        metrics.applied(family, kind, milliseconds, clock.wall());
      },
      failed: () => metrics.failed(family),
      reconciled: (milliseconds, removed) => metrics.reconciled(family, milliseconds, removed),
      taken() {
        reached[i]!.taken = cached();
      },
      settled(settledKeys) {
        const now = clock.wall();
        reached[i]!.settled = reached[i]!.taken;
        report.programmed();
        unsettled.delete(at);
        if (unsettled.size === 0) {
          health = { lastUpdated: now, waitingSince: undefined };
          metrics.nothingPending();
        }
        if (at === first) for (const ms of latency.settled(settledKeys, now)) metrics.programmed(family, ms);
        healthNodePorts?.update(settledKeys);
      },
    });
  });

  const healthNodePorts =
    options.healthPorts &&
    createHealthNodePorts(options.healthPorts, {
      // A Service may be of one family only, whose endpoints count then.
      routings: (key) => keepers.flatMap((k) => k.plan?.get(key) ?? []),
      isHealthy: () => isHealthy(health, clock.wall()),
    });

  const touch = (key: string): void => {
    const now = clock.wall();
    if (health.waitingSince === undefined) health = { ...health, waitingSince: now };
    for (const at of families) {
      metrics.queued(familyOf(at), now);
      unsettled.add(at);
    }
    for (const k of keepers) k.touch(key);
  };
  const touchService = (s: Service): void => {
    metrics.serviceChanged();
    touch(serviceKey(s));
  };
  const touchSlice = (s: EndpointSlice, old?: EndpointSlice): void => {
    metrics.endpointsChanged();
    latency.changed(sliceOwner(s), s, old);
    touch(sliceOwner(s));
  };
  services.on(
    {
      added(s) {
        if (!isUnproxied(s)) touchService(s);
      },
      updated(now, old) {
        if (isUnproxied(now) && isUnproxied(old)) return;
        if (isSameToProxies(now, old)) report.read();
        else touchService(now);
      },
      deleted(s) {
        if (!isUnproxied(s)) touchService(s);
      },
    },
    signal,
  );
  slices.on(
    {
      added(s) {
        if (isProxied(s)) touchSlice(s);
      },
      updated(now, old) {
        if (isProxied(now)) touchSlice(now, isProxied(old) ? old : undefined);
        if (isProxied(old) && (isUnproxied(now) || sliceOwner(old) !== sliceOwner(now)))
          touch(sliceOwner(old));
      },
      deleted(s) {
        if (isProxied(s)) touch(sliceOwner(s));
      },
    },
    signal,
  );
  const touchPod = (pod: Pod): void => {
    if (hasHostPorts(pod)) touch(hostPortsKey(pod));
  };
  pods.on({ added: touchPod, updated: touchPod, deleted: touchPod });
  function readNode(): void {
    const labels = nodes.get(options.nodeName)?.metadata.labels ?? {};
    const now = labels["topology.kubernetes.io/zone"] ?? "";
    if (now === zone) return;
    zone = now;
    for (const k of keepers) k.reload();
  }
  nodes.on({ added: readNode, updated: readNode });
  let known = "";
  function readRanges(): void {
    const now = families.map((at) => rangesOf(at.serviceCIDR)).join();
    if (now === known) return;
    known = now;
    for (const k of keepers) k.reload();
  }
  cidrs.on({ added: readRanges, updated: readRanges, deleted: readRanges }, signal);

  async function keep(): Promise<void> {
    await Promise.all(keepers.map((k) => k.run(signal)));
    nft.close();
    options.healthPorts?.close();
  }

  const done = Promise.all([
    own?.run(signal),
    pods.run(signal),
    nodes.run(signal),
    report.run(signal),
    keep(),
    keepFixedTables(options.guards ?? [], options, signal),
  ]).then(() => {});
  // A loop that ended with an error never fills its table: whoever waits for it is told.
  const synced = Promise.race([
    Promise.all(keepers.map((k) => k.synced)).then(() => {}),
    done.then(() => new Promise<never>(() => {})),
  ]);
  synced.catch(() => {});
  return {
    synced,
    done,
    healthz(page = "healthz") {
      const nodeEligible = isEligible(nodes.get(options.nodeName));
      const answer = healthAnswer(health, clock.wall(), {
        families: named,
        ...(page === "healthz" ? { nodeEligible } : {}),
      });
      metrics.asked(page, answer.status);
      return answer;
    },
    metrics: () => metrics.text(),
  };
}
