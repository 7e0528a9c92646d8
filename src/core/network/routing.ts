// The tables that everybody reads: what one Service means on one node. The kernel renderer, the tracer and DNS share them.

export type Protocol = "tcp" | "udp" | "sctp";

/** Why an endpoint gets no traffic from a group, or "ready"/"terminating" when it may. */
export type EndpointState =
  | "ready"
  /** Serving while it shuts down; used only when no ready endpoint is left. */
  | "terminating"
  /** Serving, neither ready nor terminating: nothing new goes there, UDP flows stay. */
  | "serving"
  | "not-ready";

export interface EndpointFact {
  readonly address: string;
  readonly port: number;
  readonly state: EndpointState;
  /** On this node. */
  readonly local: boolean;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly hintZones: readonly string[] | undefined;
  readonly hintNodes: readonly string[] | undefined;
  readonly pod: string | undefined;
}

/** Which list of endpoints a frontend balances over. */
export type GroupName = "cluster" | "local";

/** What becomes of a connection to a frontend that has no usable endpoint. */
export type EmptyVerdict = "reject" | "drop";

/** An address, protocol and port that clients dial. */
export interface Frontend {
  readonly kind: "cluster-ip" | "external-ip" | "load-balancer" | "node-port" | "host-port";
  /** Absent for node ports, and for host ports that name none: any of the node's addresses. */
  readonly address?: string;
  readonly port: number;
  readonly group: GroupName;
  readonly whenEmpty: EmptyVerdict;
  /**
   * What becomes of the source address. `keep-pods`: kept for this node's pods, else the node's.
   * `node`: always the node's. `keep`: kept, and this node's pods and processes balance over the cluster group instead.
   */
  readonly source: "keep-pods" | "node" | "keep";
  /** Only these sources may dial it; absent: everybody. */
  readonly sourceRanges?: readonly string[];
}

export interface PortRouting {
  /** Port name, "" when the Service has one unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly frontends: readonly Frontend[];
  /** Every endpoint that the slices name for this port, used or not. */
  readonly endpoints: readonly EndpointFact[];
  /** The endpoints that traffic goes to; each list sorted and without duplicates. */
  readonly groups: { readonly [G in GroupName]: readonly EndpointFact[] };
  /** Seconds, when the Service asks for ClientIP affinity. */
  readonly affinitySeconds: number | undefined;
}

export interface ServiceRouting {
  /** namespace/name; `host-ports:namespace/name` for those of a pod. */
  readonly key: string;
  /** Where a load balancer asks whether this node has endpoints (externalTrafficPolicy Local). */
  readonly healthCheckNodePort: number | undefined;
  /** Different addresses of ready endpoints on this node. */
  readonly localEndpoints: number;
  readonly ports: readonly PortRouting[];
}
