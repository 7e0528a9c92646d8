// Moves the host's routes when nodes live and die, endpoints come and go, and load balancers are made.
import {
  endpointSlices,
  nodes as nodesRef,
  serviceCIDRs,
  services as servicesRef,
} from "../../../core/api/refs.ts";
import { serviceRanges } from "../../../core/network/mod.ts";
import { errorFields, pause } from "../../client/mod.ts";
import type { StartController } from "../context.ts";
import { loadBalancerAddresses } from "../load-balancer/mod.ts";
import { addressesOf, decideRoutes, excluded, livingAddresses } from "./decide.ts";
import { createNodeWatch } from "./node-watch.ts";

const lookEveryMs = 4000;
/** Changes are gathered for so long. */
const gatherMs = 20;
const serviceName = "kubernetes.io/service-name";

export const startHostRoutes: StartController = ({ informers, cluster, log, hostRoutes }) => {
  if (!hostRoutes) return async () => {};
  const services = informers.of(servicesRef);
  const slices = informers.of(endpointSlices);
  const nodes = informers.of(nodesRef);
  const cidrs = informers.of(serviceCIDRs);
  services.index("load-balancers", (s) => (loadBalancerAddresses(s).length > 0 ? ["yes"] : []));
  const serviceKey = (ns: string | undefined, name: string): string => `${ns}/${name}`;
  slices.index("service", (s) => {
    const name = s.metadata.labels?.[serviceName];
    return name ? [serviceKey(s.metadata.namespace, name)] : [];
  });

  let wake = new AbortController();
  const changed = (): void => wake.abort();
  const matters = (s: { metadata: { namespace?: string; labels?: Record<string, string> } }): void => {
    const of = services.get(serviceKey(s.metadata.namespace, s.metadata.labels?.[serviceName] ?? ""));
    if (of && loadBalancerAddresses(of).length > 0) changed();
  };
  const ready = (n: { status?: { conditions?: { type: string; status: string }[] } }): string | undefined =>
    n.status?.conditions?.find((c) => c.type === "Ready")?.status;
  nodes.on({
    added: changed,
    deleted: changed,
    updated(n, old) {
      if (
        ready(n) !== ready(old) ||
        excluded in (n.metadata.labels ?? {}) !== excluded in (old.metadata.labels ?? {})
      )
        changed();
    },
  });
  services.on({
    updated(s, old) {
      if (loadBalancerAddresses(s).length + loadBalancerAddresses(old).length > 0) changed();
    },
    deleted(s) {
      if (loadBalancerAddresses(s).length > 0) changed();
    },
  });
  cidrs.on({ added: changed, deleted: changed });
  slices.on({ added: matters, updated: matters, deleted: matters });

  const families = [cluster, ...(cluster.second ? [cluster.second] : [])];
  const pools = families.map((f) => f.loadBalancerCIDR).filter((r) => r !== "");
  const always = [...families.map((f) => f.serviceCIDR), ...pools];
  const others = [...families.flatMap((f) => [f.podCIDR, f.nodeCIDR]), ...pools];
  /** Of ServiceCIDR objects; remembered so that they go with them. */
  const extra = new Set<string>();
  function rangesNow(): { ranges: string[]; gone: string[] } {
    const more = families.flatMap(({ serviceCIDR: own }) =>
      serviceRanges({ own, objects: cidrs.list(), others }).filter((r) => r !== own),
    );
    const gone = [...extra].filter((r) => !more.includes(r));
    for (const r of more) extra.add(r);
    return { ranges: [...always, ...more], gone };
  }
  const watch = createNodeWatch({
    probe: (address) => hostRoutes.probe(address),
    addresses: () => nodes.list().flatMap((n) => addressesOf(n).slice(0, 1)),
    changed,
  });
  /** All addresses of nodes that are known by one of them. */
  const withOthers = (some: ReadonlySet<string>): Set<string> =>
    new Set(nodes.list().flatMap((n) => (addressesOf(n).some((a) => some.has(a)) ? addressesOf(n) : [])));
  let living = "";
  async function keepEntries(): Promise<void> {
    const silent = withOthers(watch.silent);
    const now = livingAddresses(nodes.list()).filter((a) => !silent.has(a));
    if (now.join() === living || now.length === 0) return;
    await hostRoutes!.keepEntries(now);
    living = now.join();
  }

  async function round(): Promise<void> {
    await keepEntries();
    const now = await hostRoutes!.list();
    const { ranges, gone } = rangesNow();
    const change = decideRoutes({
      ranges,
      gone,
      pools,
      services: services.byIndex("load-balancers", "yes"),
      slicesOf: (s) => slices.byIndex("service", serviceKey(s.metadata.namespace, s.metadata.name!)),
      nodes: nodes.list(),
      mute: withOthers(watch.mute),
      now,
    });
    if (change.set.length + change.remove.length === 0) return;
    await hostRoutes!.change(change);
    for (const r of gone) extra.delete(r);
    log.info({ controller: "host-routes", ...change }, "the host's routes were changed");
  }

  return async (signal) => {
    signal.addEventListener("abort", changed, { once: true });
    const watching = watch.run(signal);
    while (!signal.aborted) {
      wake = new AbortController();
      let done = true;
      await round().catch((error) => {
        done = false;
        log.warn({ controller: "host-routes", ...errorFields(error) }, "the host's routes stay as they are");
      });
      do await pause(lookEveryMs, wake.signal);
      while (done && !wake.signal.aborted && !hostRoutes.touched());
      if (!signal.aborted) await pause(gatherMs, signal);
    }
    await watching;
  };
};
