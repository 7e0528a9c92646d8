// The environment variables that tell a container where services are (core/v1 PodSpec.enableServiceLinks):
// NAME_SERVICE_HOST and _PORT, one _PORT_<name> for each named port, and the Docker-links forms.
import type { Service } from "../../../core/api/types.ts";
import { joinHostPort } from "../../../core/net/mod.ts";

const envName = (name: string): string => name.toUpperCase().replaceAll("-", "_");

function isIPSet(service: Service): boolean {
  const ip = service.spec?.clusterIP;
  return ip !== undefined && ip !== "" && ip !== "None";
}

/**
 * Variables for the pod's namespace, in a stable order. default/kubernetes is always told; the others only with
 * service links. A service of the pod's own namespace wins over the one of the same name in `default`.
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): [string, string][] {
  const chosen = new Map<string, Service>();
  for (const s of services) {
    if (!isIPSet(s)) continue;
    const name = s.metadata.name!;
    const master = s.metadata.namespace === "default" && name === "kubernetes";
    if (master) {
      if (!chosen.has(name)) chosen.set(name, s);
    } else if (links && s.metadata.namespace === namespace) chosen.set(name, s);
  }
  const out: [string, string][] = [];
  for (const name of [...chosen.keys()].sort()) {
    const { clusterIP = "", ports = [] } = chosen.get(name)!.spec ?? {};
    if (ports.length === 0) continue;
    const prefix = envName(name);
    out.push([`${prefix}_SERVICE_HOST`, clusterIP], [`${prefix}_SERVICE_PORT`, String(ports[0]!.port)]);
    for (const p of ports)
      if (p.name) out.push([`${prefix}_SERVICE_PORT_${envName(p.name)}`, String(p.port)]);
    for (const [i, p] of ports.entries()) {
      const protocol = p.protocol ?? "TCP";
      const url = `${protocol.toLowerCase()}://${joinHostPort(clusterIP, p.port)}`;
      if (i === 0) out.push([`${prefix}_PORT`, url]);
      const port = `${prefix}_PORT_${p.port}_${protocol.toUpperCase()}`;
      out.push(
        [port, url],
        [`${port}_PROTO`, protocol.toLowerCase()],
        [`${port}_PORT`, String(p.port)],
        [`${port}_ADDR`, clusterIP],
      );
    }
  }
  return out;
}
