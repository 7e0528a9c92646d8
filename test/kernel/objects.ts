// Short ways to write Services and EndpointSlices in kernel tests.
import type { Endpoint, EndpointSlice, Service, ServicePort, ServiceSpec } from "../../src/core/api/types.ts";
import type { Place } from "./lab.ts";

export function service(
  name: string,
  clusterIP: string,
  spec: Partial<Omit<ServiceSpec, "ports">> & { ports?: Partial<ServicePort>[]; vips?: string[] } = {},
): Service {
  const { ports = [{ port: 80 }], vips, ...rest } = spec;
  return {
    metadata: { namespace: "default", name },
    spec: {
      type: "ClusterIP",
      clusterIP,
      clusterIPs: [clusterIP],
      ...rest,
      ports: ports.map((p) => ({ protocol: "TCP", ...p }) as ServicePort),
    },
    status: vips ? { loadBalancer: { ingress: vips.map((ip) => ({ ip, ipMode: "VIP" })) } } : {},
  } as Service;
}

export type EndpointSpec =
  | Place
  | {
      place: Place;
      ready?: boolean;
      serving?: boolean;
      terminating?: boolean;
      forZones?: string[];
      forNodes?: string[];
    };

/** A slice over those places; each is on the node whose pod range it is in (or is the node itself). */
export function slice(
  serviceName: string,
  endpoints: readonly EndpointSpec[],
  ports: { name?: string; port: number; protocol?: string }[] = [{ port: 80 }],
): EndpointSlice {
  return {
    metadata: {
      namespace: "default",
      name: `${serviceName}-1`,
      labels: { "kubernetes.io/service-name": serviceName },
    },
    addressType: "IPv4",
    ports: ports.map((p) => ({ name: "", protocol: "TCP", ...p })),
    endpoints: endpoints.map((e): Endpoint => {
      const given = "place" in e ? e : { place: e };
      const { place, ready = true, serving = ready, terminating = false, forZones, forNodes } = given;
      const named = (names: string[]) => names.map((name) => ({ name }));
      const [, , third, fourth] = place.address.split(".");
      const index = place.address.startsWith("10.244.") ? Number(third) : Number(fourth) - 11;
      return {
        addresses: [place.address],
        conditions: { ready, serving, terminating },
        nodeName: `n${index}`,
        ...(forZones || forNodes
          ? {
              hints: {
                ...(forZones ? { forZones: named(forZones) } : {}),
                ...(forNodes ? { forNodes: named(forNodes) } : {}),
              },
            }
          : {}),
      };
    }),
  } as EndpointSlice;
}
