// Ports that a pod takes on its node's own addresses (component-helpers; scheduler plugin NodePorts).
import { concurrentContainers } from "../api/kinds/pod/sidecar.ts";
import type { Pod } from "../api/types.ts";
import { canonicalIP } from "../net/mod.ts";

/** Every address of the node, of both families; `::` is one of its own to Kubernetes' scheduler. */
const anyAddress = "0.0.0.0";

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

/** Of containers and sidecars; a pod on the host's network takes every port it names. */
export function hostPortsOf(pod: Pod): HostPort[] {
  const ports: HostPort[] = [];
  for (const c of concurrentContainers(pod.spec))
    for (const p of c.ports ?? []) {
      const port = p.hostPort || (pod.spec?.hostNetwork ? p.containerPort : 0);
      if (port) ports.push({ ip: canonicalIP(p.hostIP || anyAddress), protocol: p.protocol ?? "TCP", port });
    }
  return ports;
}

/** The same port of the same protocol, on the same address or where one of them is every address. */
export function hostPortsConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress;
}
