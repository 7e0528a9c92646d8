// The host ports of one pod become a routing of their own on the pod's node: every connection to that port of the node, or of
// the one address that hostIP names, goes to the pod (Pod API reference, ContainerPort.hostPort and hostIP). Sources are kept,
// but the node's own are masqueraded so that answers to 127.0.0.1 find back.
import { concurrentContainers } from "../api/kinds/pod/sidecar.ts";
import type { ContainerPort, Pod } from "../api/types.ts";
import type { NodeFacts } from "./facts.ts";
import { addressOf } from "./resolve-service.ts";
import type { EndpointFact, Frontend, PortRouting, Protocol, ServiceRouting } from "./routing.ts";

const protocols: Record<string, Protocol> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };
const loopback = "127.0.0.1";
/** Of IPv6 there is none: the kernel lets nothing from ::1 leave the loopback device, so ::1 is dialled from the node's address. */
const loopbackRanges = { ip: ["127.0.0.0/8"], ip6: [] };
const anyAddress = ["", "0.0.0.0", "::"];

/** A pod's key among the Services' keys; no Service is called so. */
export const hostPortsKey = (pod: Pod): string => `host-ports:${pod.metadata.namespace}/${pod.metadata.name}`;

/** Every container that may run beside others has its ports: containers and init containers that stay. */
const hostPorts = (pod: Pod): ContainerPort[] =>
  concurrentContainers(pod.spec).flatMap((c) => (c.ports ?? []).filter((p) => (p.hostPort ?? 0) > 0));

/** Whether the pod may ever want a routing of its host ports. */
export const hasHostPorts = (pod: Pod): boolean =>
  pod.spec?.hostNetwork !== true && hostPorts(pod).length > 0;

function frontendsOf(port: ContainerPort, facts: NodeFacts): Frontend[] {
  const hostIP = port.hostIP ?? "";
  const base = {
    kind: "host-port",
    port: port.hostPort!,
    group: "local",
    whenEmpty: "reject",
    source: "keep",
  } as const;
  // Loopback addresses are forwarded for the node's own processes only: what is bound to them is meant for nobody else.
  const own = (address: string): Frontend => ({
    ...base,
    address,
    sourceRanges: [
      ...loopbackRanges[facts.family],
      ...facts.nodeAddresses.map((a) => `${a}/${facts.family === "ip" ? 32 : 128}`),
    ],
  });
  if (anyAddress.includes(hostIP)) return [base, ...(facts.family === "ip" ? [own(loopback)] : [])];
  const address = addressOf(hostIP, facts.family);
  if (address === undefined) return [];
  return [address.startsWith("127.") || address === "::1" ? own(address) : { ...base, address }];
}

/** The routing of a pod's host ports; undefined when it has none here or no address (any more). Pure. */
export function resolveHostPorts(pod: Pod, facts: NodeFacts): ServiceRouting | undefined {
  const { nodeName, hostNetwork } = pod.spec ?? {};
  const { phase, podIP, podIPs } = pod.status ?? {};
  if (nodeName !== facts.nodeName || hostNetwork || phase === "Succeeded" || phase === "Failed")
    return undefined;
  const addresses = (podIPs?.length ? podIPs.map((p) => p.ip) : [podIP]).map((ip) =>
    addressOf(ip ?? "", facts.family),
  );
  const address = addresses.find((a) => a !== undefined);
  if (address === undefined) return undefined;
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const ports = hostPorts(pod).flatMap((port): PortRouting[] => {
    const frontends = frontendsOf(port, facts);
    if (frontends.length === 0) return [];
    const endpoint: EndpointFact = {
      address,
      port: port.containerPort,
      state: "ready",
      local: true,
      nodeName,
      zone: undefined,
      hintZones: undefined,
      hintNodes: undefined,
      pod: name,
    };
    return [
      {
        name: `${port.hostIP ?? ""}:${port.hostPort}`,
        protocol: protocols[port.protocol ?? "TCP"] ?? "tcp",
        frontends,
        endpoints: [endpoint],
        groups: { cluster: [endpoint], local: [endpoint] },
        affinitySeconds: undefined,
      },
    ];
  });
  if (ports.length === 0) return undefined;
  return { key: hostPortsKey(pod), healthCheckNodePort: undefined, localEndpoints: 0, ports };
}
