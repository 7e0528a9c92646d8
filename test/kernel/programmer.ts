// Programs every node of a lab from the same objects, by the pure pipeline and real nft, without the loop around it.
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import {
  createServicePlan,
  type NodeFacts,
  resolveService,
  type ServicePlan,
} from "../../src/core/network/mod.ts";
import { type Family, isEmptyChange, printChange, printTable } from "../../src/core/nft/mod.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { inPlace, type Lab, nodeAddress, nodeAddress6, podCIDR, podCIDR6 } from "./lab.ts";

export const table = "portolan-lab";

export function factsOf(i: number, family: Family = "ip"): NodeFacts {
  const zone = `z${i}`;
  if (family === "ip6")
    return {
      family,
      nodeName: `n${i}`,
      zone,
      nodeAddresses: [nodeAddress6(i)],
      podRanges: [podCIDR6(i)],
      serviceRanges: ["fd00:96::/112"],
      localAddresses: ["fd00:96::a"],
    };
  return {
    family,
    nodeName: `n${i}`,
    zone,
    nodeAddresses: [nodeAddress(i)],
    podRanges: [podCIDR(i)],
    serviceRanges: ["10.96.0.0/16", "172.30.200.0/24"],
    localAddresses: ["10.96.0.10"],
  };
}

export interface Programmer {
  readonly plans: readonly ServicePlan[];
  /** Makes these the only Services, by increments. */
  program(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void>;
}

export async function openProgrammer(lab: Lab, family: Family = "ip"): Promise<Programmer> {
  const nodes = lab.node.map((place, i) => ({
    nft: createNftTables({ prefix: inPlace(place) }),
    plan: createServicePlan(factsOf(i, family), table),
  }));
  for (const { nft, plan } of nodes) {
    plan.take();
    await nft.apply(printTable(plan.table()));
  }
  return {
    plans: nodes.map((n) => n.plan),
    async program(services, slices) {
      const named = new Map(services.map((s) => [`${s.metadata.namespace}/${s.metadata.name}`, s]));
      await Promise.all(
        nodes.map(async ({ nft, plan }) => {
          for (const { key } of [...plan.services()]) if (!named.has(key)) plan.set(key, undefined);
          for (const [key, s] of named) {
            const own = slices.filter(
              (x) => x.metadata.labels!["kubernetes.io/service-name"] === s.metadata.name,
            );
            plan.set(key, resolveService(s, own, plan.facts));
          }
          const change = plan.take();
          if (!isEmptyChange(change)) await nft.apply(printChange(change));
        }),
      );
    },
  };
}
