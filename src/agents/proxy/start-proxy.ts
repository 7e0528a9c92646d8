// The service proxy's loop: Services and EndpointSlices in, one nft transaction a batch of changes out. Changes that come
// while a transaction runs go together into the next one; an idle proxy applies a change at once.
import type { KubeClient } from "../../control/client/mod.ts";
import { createInformer } from "../../control/client/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type { EndpointSlice, Service } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import {
  createServicePlan,
  type NodeFacts,
  resolveService,
  type ServicePlan,
} from "../../core/network/mod.ts";
import { isEmptyChange, printChange, printTable } from "../../core/nft/mod.ts";
import type { Clock, Conntrack, Log, NftTables } from "./ports.ts";

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
  /** Addresses that the node itself answers, e.g. cluster DNS: never translated, never refused. */
  localAddresses: readonly string[];
}

export interface ServiceProxy {
  /** Resolves when the kernel has the first whole table. */
  readonly synced: Promise<void>;
  /** Resolves after the signal aborts and the last transaction ended. The table stays: traffic goes on. */
  readonly done: Promise<void>;
}

const serviceNameLabel = "kubernetes.io/service-name";
/** kube-proxy's selector: headless Services and those of other proxies are not ours. */
const proxied = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

/** Name of the cluster's table. */
export const serviceTable = (cluster: string): string => `portolan-${cluster}`;

const sliceOwner = (s: EndpointSlice): string =>
  `${s.metadata.namespace}/${s.metadata.labels?.[serviceNameLabel] ?? ""}`;

/** Starts the proxy; it runs until the signal aborts. */
export function startProxy(options: ProxyOptions, signal: AbortSignal): ServiceProxy {
  const { client, nft, log, clock } = options;
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
  const dirty = new Set<string>();
  let plan: ServicePlan | undefined;
  let wake: (() => void) | undefined;
  let markSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });

  function touch(key: string): void {
    dirty.add(key);
    wake?.();
  }
  const touchService = (s: Service): void => touch(`${s.metadata.namespace}/${s.metadata.name}`);
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
    plan = undefined;
    wake?.();
  }
  nodes.on({ added: readNode, updated: readNode });

  function facts(): NodeFacts {
    return {
      family: "ip",
      nodeName: options.nodeName,
      zone,
      nodeAddresses: [options.nodeAddress],
      podRanges: [options.podCIDR],
      serviceRanges: [options.cluster.serviceCIDR],
      localAddresses: options.localAddresses,
    };
  }

  /** Brings the plan up to date; true when all of the table must be loaded again. */
  function refresh(): { plan: ServicePlan; whole: boolean } {
    let whole = false;
    if (!plan) {
      plan = createServicePlan(facts(), serviceTable(options.cluster.name));
      whole = true;
      for (const s of services.list()) dirty.add(`${s.metadata.namespace}/${s.metadata.name}`);
    }
    for (const key of dirty) {
      const service = services.get(key);
      plan.set(key, service && resolveService(service, slices.byIndex("service", key), plan.facts));
    }
    dirty.clear();
    return { plan, whole };
  }

  async function sync(): Promise<void> {
    const now = refresh();
    const change = now.plan.take();
    if (now.whole) await nft.apply(printTable(now.plan.table()));
    else if (!isEmptyChange(change)) await nft.apply(printChange(change));
  }

  async function loop(): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    void aborted.then(() => wake?.());
    await Promise.race([Promise.all([services.synced, slices.synced, nodes.synced]), aborted]);
    let delay = 50;
    while (!signal.aborted) {
      try {
        await sync();
        delay = 50;
        markSynced();
        if (dirty.size > 0 || !plan) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (signal.aborted) resolve();
        });
        wake = undefined;
      } catch (error) {
        // What was taken from the plan is lost with the transaction: begin from what is wanted, not from a diff.
        plan = undefined;
        log.warn({ error: String(error) }, "nft refused a transaction; loading the whole table");
        await clock.sleep(delay, signal);
        delay = Math.min(delay * 2, 5000);
      }
    }
  }

  const done = Promise.all([services.run(signal), slices.run(signal), nodes.run(signal), loop()]).then(
    () => {},
  );
  return { synced, done };
}
