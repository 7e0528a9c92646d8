// The routing of a Service with one cluster IP on port 80 and ready endpoints elsewhere.
import type { EndpointFact, Protocol, ServiceRouting } from "../../src/core/network/mod.ts";

export interface SimpleRouting {
  /** Addresses; all of them on port 80. */
  endpoints: readonly string[];
  /** Default: tcp. */
  protocol?: Protocol;
  affinitySeconds?: number | undefined;
}

export function simpleRouting(
  key: string,
  address: string,
  { endpoints, protocol = "tcp", affinitySeconds }: SimpleRouting,
): ServiceRouting {
  const list = endpoints.map((e) => ({ address: e, port: 80, state: "ready", local: false }) as EndpointFact);
  return {
    key,
    healthCheckNodePort: undefined,
    localEndpoints: 0,
    ports: [
      {
        name: "",
        protocol,
        frontends: [
          {
            kind: "cluster-ip",
            address,
            port: 80,
            group: "cluster",
            whenEmpty: "reject",
            source: "keep-pods",
          },
        ],
        endpoints: list,
        groups: { cluster: list, local: [] },
        affinitySeconds,
      },
    ],
  };
}
