// Whether a pod that was bound to this node may run here (kubelet lifecycle/predicate): its system, room for its requests, its
// node selector and affinity, host ports, taints. The scheduler has asked before; a pod whose nodeName was set by hand has not
// been asked.
import type { Node, Pod } from "../../../core/api/types.ts";
import {
  hostPortsConflict,
  hostPortsOf,
  nodeIsSelected,
  podResources,
  untoleratedTaint,
} from "../../../core/scheduling/mod.ts";

export interface Rejection {
  reason: string;
  message: string;
  /** It would not fit either if nothing else were here: how a resize is told so. */
  never?: string;
}

export interface Room {
  milliCpu: number;
  memoryBytes: number;
  storageBytes: number;
  pods: number;
}

/** What a pod asks for, of the resources that a node has room of. */
export function podRequests(pod: Pod): { milliCpu: number; memoryBytes: number; storageBytes: number } {
  const amounts = podResources(pod);
  return {
    milliCpu: amounts.get("cpu") ?? 0,
    memoryBytes: amounts.get("memory") ?? 0,
    storageBytes: amounts.get("ephemeral-storage") ?? 0,
  };
}

const lacking = (name: string, requested: number, used: number, capacity: number): string =>
  `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;

/** Sysctls that belong to a pod alone (kubelet sysctl/safe_sysctls); the others are refused. */
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

function refusedSysctl(pod: Pod): Rejection | undefined {
  const reason = "SysctlForbidden";
  for (const { name } of pod.spec?.securityContext?.sysctls ?? []) {
    const dotted = name.includes("/") ? name.replaceAll("/", ".") : name;
    if (!safeSysctls.has(dotted)) return { reason, message: `forbidden sysctl: "${name}" not allowlisted` };
    const host = dotted.startsWith("net.") ? pod.spec?.hostNetwork : pod.spec?.hostIPC;
    const what = dotted.startsWith("net.") ? "net" : "ipc";
    if (host) return { reason, message: `forbidden sysctl: "${name}" not allowed with host ${what} enabled` };
  }
  return undefined;
}

const osLabel = "kubernetes.io/os";

/** A pod that is made for another system, or wants what this one cannot do. */
function refusedSystem(pod: Pod): Rejection | undefined {
  const label = pod.metadata.labels?.[osLabel];
  if (label !== undefined && label !== "linux")
    return {
      reason: "PodOSSelectorNodeLabelDoesNotMatch",
      message: `Failed to admit pod as the \`${osLabel}\` label doesn't match node label`,
    };
  if (pod.spec?.os && pod.spec.os.name !== "linux")
    return {
      reason: "PodOSNotSupported",
      message: "Failed to admit pod as the OS field doesn't match node OS",
    };
  if (pod.spec?.securityContext?.supplementalGroupsPolicy === "Strict")
    return {
      reason: "SupplementalGroupsPolicyNotSupported",
      message: "SupplementalGroupsPolicy=Strict is not supported in this node",
    };
  return undefined;
}

const predicateFailed = (name: string, why: string): Rejection => ({
  reason: name,
  message: `Pod was rejected: Predicate ${name} failed: ${why}`,
});

/** What a refusal says that the node's labels decided. */
export const wrongNode = "NodeAffinity";

/**
 * Whether a pod that is new here may run. `others` are the pods that hold room here already, `node` the node as it is now,
 * labels of people included; where it could not be read the scheduler's word counts. Undefined: the pod may run.
 */
export function admit(
  pod: Pod,
  others: readonly Pod[],
  room: Room,
  node: Node | undefined,
): Rejection | undefined {
  const never = refusedSysctl(pod) ?? refusedSystem(pod);
  if (never) return { ...never, message: `Pod was rejected: ${never.message}` };
  const lack = lackOfRoom(pod, others, room);
  if (lack) return lack;
  if (node && !nodeIsSelected(pod, node))
    return predicateFailed(wrongNode, "node(s) didn't match Pod's node affinity/selector");
  const taken = others.flatMap(hostPortsOf);
  if (hostPortsOf(pod).some((wanted) => taken.some((port) => hostPortsConflict(wanted, port))))
    return predicateFailed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
  if (untoleratedTaint(pod, node?.spec?.taints, ["NoExecute"]))
    return predicateFailed("TaintToleration", "node(s) had taints that the pod didn't tolerate");
  return undefined;
}

/** Whether what the pod asks for does not fit beside the others. Undefined: it fits. */
export function lackOfRoom(pod: Pod, others: readonly Pod[], room: Room): Rejection | undefined {
  if (others.length + 1 > room.pods)
    return { reason: "OutOfpods", message: lacking("pods", 1, others.length, room.pods) };
  const wants = podRequests(pod);
  const used = { milliCpu: 0, memoryBytes: 0, storageBytes: 0 };
  for (const other of others) {
    const r = podRequests(other);
    used.milliCpu += r.milliCpu;
    used.memoryBytes += r.memoryBytes;
    used.storageBytes += r.storageBytes;
  }
  for (const [name, key] of [
    ["cpu", "milliCpu"],
    ["memory", "memoryBytes"],
    ["ephemeral-storage", "storageBytes"],
  ] as const)
    if (wants[key] > 0 && wants[key] + used[key] > room[key])
      return {
        reason: `OutOf${name}`,
        message: lacking(name, wants[key], used[key], room[key]),
        ...(wants[key] > room[key]
          ? {
              never: `Node didn't have enough capacity: ${name}, requested: ${wants[key]}, capacity: ${room[key]}`,
            }
          : {}),
      };
  return undefined;
}
