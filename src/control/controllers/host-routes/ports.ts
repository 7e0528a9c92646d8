// The host's routing table as the loop needs it.

export interface HostRoute {
  /** In CIDR form, a single address with /32 or /128. */
  to: string;
  /** Addresses of nodes, sorted; connections are spread over several. */
  via: readonly string[];
}

/** A route to set; `was` names the nodes that it leads to now. */
export interface HostRouteChange extends HostRoute {
  was?: readonly string[];
}

/** What a node's kernel says to a connection: its proxy listens, nobody listens, or it says nothing. */
export type NodeAnswer = "serving" | "refused" | "silent";

export interface HostRoutes {
  /** Whether somebody may have changed routes since this was last asked. */
  touched(): boolean;
  /** The routes by a gateway on the cluster's link, of whatever range. */
  list(): Promise<HostRoute[]>;
  /**
   * Sets and removes routes on the cluster's link. A route of the machine's own to the same range is no one's to replace: that
   * is a rejection, after all others were set. A route that is to be removed may be gone already.
   */
  change(change: { set: readonly HostRouteChange[]; remove: readonly HostRoute[] }): Promise<void>;
  /** Asks a node's proxy for a connection; answers within a second. */
  probe(address: string): Promise<NodeAnswer>;
  /** Connections stay with the node they entered by while its address is among these. */
  keepEntries(living: readonly string[]): Promise<void>;
}
