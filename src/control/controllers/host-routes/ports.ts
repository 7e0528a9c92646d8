// The host's routing table as the loop needs it.

export interface HostRoute {
  /** In CIDR form, a single address with /32. */
  to: string;
  /** A node's address. */
  via: string;
}

export interface HostRoutes {
  /** The routes by a gateway on the cluster's link, of whatever range. */
  list(): Promise<HostRoute[]>;
  /** Sets and removes routes on the cluster's link; a route that is to be removed may be gone already. */
  change(change: { set: readonly HostRoute[]; remove: readonly HostRoute[] }): Promise<void>;
}
