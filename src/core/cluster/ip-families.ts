// Which address families a cluster has: that of its service range first, the other one where there is a second set of ranges.
import { familyOf, type IPFamily, mustParseCIDR, nthAddress, printIP } from "../net/mod.ts";
import type { ClusterFacts, ClusterRanges } from "./config.ts";

/** The ranges by family, the primary family first. */
export function rangesByFamily(
  cluster: Pick<ClusterFacts, keyof ClusterRanges | "second">,
): ReadonlyMap<IPFamily, ClusterRanges> {
  const sets = [cluster, ...(cluster.second ? [cluster.second] : [])];
  return new Map(sets.map((r) => [familyOf(r.serviceCIDR), r]));
}

/** The families, the primary one first. */
export const ipFamiliesOf = (cluster: Pick<ClusterFacts, "serviceCIDR" | "second">): readonly IPFamily[] =>
  [cluster, ...(cluster.second ? [cluster.second] : [])].map((r) => familyOf(r.serviceCIDR));

/** From which addresses the machine of the cluster comes to its nodes, one a family. */
export function hostAddresses(cluster: Pick<ClusterFacts, "apiServer" | "second">): readonly string[] {
  const { apiServer, second } = cluster;
  // The bridge has the first address of each node range.
  const other = second && nthAddress(mustParseCIDR(second.nodeCIDR), 1);
  return [apiServer.host, ...(other ? [printIP(other)] : [])];
}
