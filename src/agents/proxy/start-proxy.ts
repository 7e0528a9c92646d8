// The service proxy: watches Services and EndpointSlices (as kube-proxy selects them) and the node's topology, and keeps the
// kernel's tables by them. An idle proxy applies a change at once; what comes while nft runs goes into the next transaction.
import { createInformer, type KubeClient } from "../../control/client/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type { EndpointSlice, Service } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { type NodeFacts, resolveService } from "../../core/network/mod.ts";
import type { Clock, Conntrack, Log, NftTables } from "./ports.ts";
import { createTableKeeper } from "./table-keeper.ts";

export interface ProxyOptions {
  client: KubeClient;
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
}

export interface ServiceProxy {
  /** Resolves when the kernel has the first whole table. */
  readonly synced: Promise<void>;
  /** Resolves after the signal aborts and the last transaction ended. The tables stay: traffic goes on. */
  readonly done: Promise<void>;
}

const serviceNameLabel = "kubernetes.io/service-name";
/** kube-proxy's selector: headless Services and those of other proxies are not ours. */
const proxied = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

/** Name of the cluster's table. */
export const serviceTable = (cluster: string): string => `portolan-${cluster}`;

const sliceOwner = (s: EndpointSlice): string =>
  `${s.metadata.namespace}/${s.metadata.labels?.[serviceNameLabel] ?? ""}`;
const serviceKey = (s: Service): string => `${s.metadata.namespace}/${s.metadata.name}`;
const isIPv6 = (text: string): boolean => text.includes(":");

/** Starts the proxy; it runs until the signal aborts. */
export function startProxy(options: ProxyOptions, signal: AbortSignal): ServiceProxy {
  const { client, nft, conntrack, clock, log } = options;
  const onError = (error: unknown): void => log.warn({ error: String(error) }, "watch failed, trying again");
  const services = createInformer(client, refs.services, { labelSelector: proxied, onError });
  const slices = createInformer(client, refs.endpointSlices, {
    labelSelector: proxied,
    indexers: { service: (s) => [sliceOwner(s)] },
    onError,
  });
  const nodes = createInformer(client, refs.nodes, {
    fieldSelector: `metadata.name=${options.nodeName}`,
    onError,
  });

  let zone = "";
  const first = {
    nodeAddress: options.nodeAddress,
    podCIDR: options.podCIDR,
    serviceCIDR: options.cluster.serviceCIDR,
  };
  const keepers = [first, ...(options.second ? [options.second] : [])].map((at) => {
    const v6 = isIPv6(at.nodeAddress);
    const facts = (): NodeFacts => ({
      family: v6 ? "ip6" : "ip",
      nodeName: options.nodeName,
      zone,
      nodeAddresses: [at.nodeAddress],
      podRanges: [at.podCIDR],
      serviceRanges: [at.serviceCIDR],
      localAddresses: options.localAddresses.filter((a) => isIPv6(a) === v6),
    });
    return createTableKeeper({
      table: serviceTable(options.cluster.name),
      facts,
      *keys() {
        for (const s of services.list()) yield serviceKey(s);
      },
      routing(key, at) {
        const service = services.get(key);
        return service && resolveService(service, slices.byIndex("service", key), at);
      },
      nft,
      conntrack,
      clock,
      log,
    });
  });

  const touch = (key: string): void => {
    for (const k of keepers) k.touch(key);
  };
  const touchService = (s: Service): void => touch(serviceKey(s));
  const touchSlice = (s: EndpointSlice): void => touch(sliceOwner(s));
  services.on({ added: touchService, updated: touchService, deleted: touchService });
  slices.on({
    added: touchSlice,
    updated(now, old) {
      touchSlice(now);
      if (sliceOwner(old) !== sliceOwner(now)) touchSlice(old);
    },
    deleted: touchSlice,
  });
  function readNode(): void {
    const labels = nodes.get(options.nodeName)?.metadata.labels ?? {};
    const now = labels["topology.kubernetes.io/zone"] ?? "";
    if (now === zone) return;
    zone = now;
    for (const k of keepers) k.reload();
  }
  nodes.on({ added: readNode, updated: readNode });

  async function keep(): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    await Promise.race([Promise.all([services.synced, slices.synced, nodes.synced]), aborted]);
    await Promise.all(keepers.map((k) => k.run(signal)));
    nft.close();
  }

  const synced = Promise.all(keepers.map((k) => k.synced)).then(() => {});
  const done = Promise.all([services.run(signal), slices.run(signal), nodes.run(signal), keep()]).then(
    () => {},
  );
  return { synced, done };
}
