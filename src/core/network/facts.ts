// What the service tables need to know of the node they are made for.
import type { Family } from "../nft/mod.ts";

/** One node, one address family. Ranges and addresses are of that family, in canonical text. */
export interface NodeFacts {
  readonly family: Family;
  readonly nodeName: string;
  /** topology.kubernetes.io/zone of the node; "" when it has none. */
  readonly zone: string;
  /** Addresses that node ports answer on. */
  readonly nodeAddresses: readonly string[];
  /** Pod ranges of this node: sources inside them are this node's own pods. */
  readonly podRanges: readonly string[];
  /** Ranges of cluster IPs and of load balancers: nothing but Services is there. */
  readonly serviceRanges: readonly string[];
  /** Addresses that processes of the node itself answer (cluster DNS): never translated, never refused. */
  readonly localAddresses: readonly string[];
}
