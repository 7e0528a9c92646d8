// Short ways to write the objects that tests of Services speak of.
import type { Node, Pod, Service } from "../../src/core/api/types.ts";

export interface PodTraits {
  labels?: Record<string, string>;
  ip?: string;
  ips?: string[];
  node?: string;
  ready?: boolean;
  dying?: boolean;
  phase?: string;
  ports?: { name: string; port: number }[];
  hostname?: string;
  subdomain?: string;
}

export function makePod(name: string, t: PodTraits = {}): Pod {
  const ips = t.ips ?? (t.ip === "" ? [] : [t.ip ?? "10.0.0.1"]);
  return {
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      labels: t.labels ?? { app: "web" },
      ...(t.dying ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    },
    spec: {
      containers: [
        { name: "c", ports: (t.ports ?? []).map((p) => ({ name: p.name, containerPort: p.port })) },
      ],
      nodeName: t.node ?? "n1",
      ...(t.hostname ? { hostname: t.hostname } : {}),
      ...(t.subdomain ? { subdomain: t.subdomain } : {}),
    },
    status: {
      phase: t.phase ?? "Running",
      ...(ips.length > 0 ? { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) } : {}),
      conditions: [
        {
          type: "Ready",
          status: t.ready === false ? "False" : "True",
          lastTransitionTime: "2030-01-01T00:00:00Z",
        },
      ],
    },
  };
}

export function makeService(spec: Partial<NonNullable<Service["spec"]>> = {}): Service {
  return {
    metadata: { name: "web", namespace: "default", uid: "uid-svc", labels: { team: "a" } },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.50",
      ipFamilies: ["IPv4"],
      selector: { app: "web" },
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
      ...spec,
    },
  };
}

export function makeNode(name: string, zone?: string): Node {
  return { metadata: { name, ...(zone ? { labels: { "topology.kubernetes.io/zone": zone } } : {}) } };
}
