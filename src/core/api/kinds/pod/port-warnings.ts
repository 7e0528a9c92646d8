// Warnings about ports of a pod that stand in each other's way (kubernetes pkg/api/pod/warnings.go).
import type { Container, ContainerPort } from "../../types.ts";

/** How Go prints a port that it warns of. */
const goPort = (p: ContainerPort): string =>
  `{Name:${p.name ?? ""} HostPort:${p.hostPort ?? 0} ContainerPort:${p.containerPort} Protocol:${p.protocol ?? ""} HostIP:${p.hostIP ?? ""}}`;

function clash(p: ContainerPort, other: ContainerPort): string | undefined {
  const [host, otherHost] = [p.hostPort ?? 0, other.hostPort ?? 0];
  const [ip, otherIP] = [p.hostIP ?? "", other.hostIP ?? ""];
  if (ip === otherIP && host === otherHost) return "duplicate port definition with";
  if (host === 0 || otherHost === 0) return "overlapping port definition with";
  if (host === otherHost && (ip === "") !== (otherIP === ""))
    return "dangerously ambiguous port definition with";
  return undefined;
}

export function portWarnings(containers: readonly (readonly [Container, string])[]): string[] {
  const warnings: string[] = [];
  const all = new Map<string, { path: string; port: ContainerPort }[]>();
  for (const [c, path] of containers)
    for (const [i, port] of (c.ports ?? []).entries()) {
      const here = `${path}.ports[${i}]`;
      if (port.hostIP && !port.hostPort)
        warnings.push(`${here}: hostIP set without hostPort: ${goPort(port)}`);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = all.get(key) ?? [];
      for (const other of others) {
        const what = clash(port, other.port);
        if (what) warnings.push(`${here}: ${what} ${other.path}`);
      }
      all.set(key, [...others, { path: here, port }]);
    }
  return warnings;
}
