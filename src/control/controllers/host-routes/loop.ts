// Moves the host's routes when nodes live and die, endpoints come and go, and load balancers are made.
import { endpointSlices, nodes as nodesRef, services as servicesRef } from "../../../core/api/refs.ts";
import { errorFields, pause } from "../../client/mod.ts";
import type { StartController } from "../context.ts";
import { loadBalancerAddresses } from "../load-balancer/mod.ts";
import { decideRoutes, excluded } from "./decide.ts";

const lookEveryMs = 10_000;
/** Changes are gathered for so long. */
const gatherMs = 20;
const serviceName = "kubernetes.io/service-name";

export const startHostRoutes: StartController = ({ informers, cluster, log, hostRoutes }) => {
  if (!hostRoutes) return async () => {};
  const services = informers.of(servicesRef);
  const slices = informers.of(endpointSlices);
  const nodes = informers.of(nodesRef);
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
  slices.on({ added: matters, updated: matters, deleted: matters });

  const ranges = [cluster.serviceCIDR, cluster.loadBalancerCIDR].filter((r) => r !== "");
  async function round(): Promise<void> {
    const now = await hostRoutes!.list();
    const change = decideRoutes({
      ranges,
      loadBalancerCIDR: cluster.loadBalancerCIDR,
      services: services.byIndex("load-balancers", "yes"),
      slicesOf: (s) => slices.byIndex("service", serviceKey(s.metadata.namespace, s.metadata.name!)),
      nodes: nodes.list(),
      now,
    });
    if (change.set.length + change.remove.length === 0) return;
    await hostRoutes!.change(change);
    log.info({ controller: "host-routes", ...change }, "the host's routes were changed");
  }

  return async (signal) => {
    signal.addEventListener("abort", changed, { once: true });
    while (!signal.aborted) {
      wake = new AbortController();
      await round().catch((error) =>
        log.warn({ controller: "host-routes", ...errorFields(error) }, "the host's routes stay as they are"),
      );
      await pause(lookEveryMs, wake.signal);
      if (!signal.aborted) await pause(gatherMs, signal);
    }
  };
};
