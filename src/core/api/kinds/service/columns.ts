// The columns of `kubectl get services`.
import type { Column } from "../../resource.ts";
import type { Service } from "../../types.ts";
import { ageColumn, column, formatLabels, nameColumn } from "../table/mod.ts";

function externalIP(s: Service): string {
  const spec = s.spec ?? {};
  const externalIPs = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return externalIPs.join(",") || "<none>";
    case "LoadBalancer": {
      const ingress = (s.status?.loadBalancer?.ingress ?? [])
        .map((i) => i.ip || i.hostname || "")
        .filter((i) => i !== "");
      return [...[...new Set(ingress)].sort(), ...externalIPs].join(",") || "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

const ports = (s: Service): string =>
  (s.spec?.ports ?? [])
    .map((p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ""}/${p.protocol ?? "TCP"}`)
    .join(",");

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  column("Type", "How the service is exposed.", (s) => s.spec?.type ?? ""),
  column(
    "Cluster-IP",
    "The address of the service inside the cluster.",
    (s) => s.spec?.clusterIPs?.[0] || "<none>",
  ),
  column("External-IP", "Addresses of the service outside the cluster.", externalIP),
  column("Port(s)", "Ports of the service, with node ports and protocols.", (s) => ports(s) || "<none>"),
  ageColumn,
  column(
    "Selector",
    "Labels of the pods that the service routes to.",
    (s) => formatLabels(s.spec?.selector),
    {
      wide: true,
    },
  ),
];
