// Target ports that the selected pods do not have. A named one has to be there; a number works wherever something listens, so
// that none of the pods declares it is advice only (ServicePort.targetPort, Container.ports).
import { concurrentContainers } from "../api/kinds/pod/sidecar.ts";
import type { ContainerPort, PodSpec, Service } from "../api/types.ts";
import type { Finding } from "./finding.ts";

const portsOf = (spec: PodSpec): ContainerPort[] => concurrentContainers(spec).flatMap((c) => c.ports ?? []);
const protocolOf = (p: ContainerPort): string => p.protocol ?? "TCP";
const listed = (names: Iterable<string>): string => [...new Set(names)].sort().slice(0, 5).join(", ");

/** `specs` are those of the pods, or templates, that the Service selects. */
export function targetPortFindings(service: Service, specs: readonly PodSpec[]): Finding[] {
  if (specs.length === 0) return [];
  const each = specs.map(portsOf);
  const all = each.flat();
  return (service.spec?.ports ?? []).flatMap((port, i): Finding[] => {
    const { targetPort = port.port, protocol = "TCP" } = port as {
      targetPort?: string | number;
    } & typeof port;
    const field = `spec.ports[${i}].targetPort`;
    if (typeof targetPort === "string") {
      if (targetPort === "") return [];
      const named = all.filter((p) => p.name && protocolOf(p) === protocol);
      if (named.some((p) => p.name === targetPort)) return [];
      const have = named.length > 0 ? `they have ${listed(named.map((p) => p.name!))}` : "they name none";
      return [
        {
          reason: "TargetPortMissing",
          severity: "error",
          message: `${field}: no selected pod has a ${protocol} port named ${JSON.stringify(targetPort)} (${have})`,
        },
      ];
    }
    if (each.some((ports) => ports.length === 0)) return [];
    if (all.some((p) => p.containerPort === targetPort && protocolOf(p) === protocol)) return [];
    const have = listed(all.map((p) => `${p.containerPort}/${protocolOf(p)}`));
    return [
      {
        reason: "TargetPortUndeclared",
        severity: "advice",
        message: `${field}: no selected pod declares ${targetPort}/${protocol} (they declare ${have})`,
      },
    ];
  });
}
