// The Node object as this machine is (core/v1 Node; kubelet nodestatus setters).
import type { Node, NodeCondition } from "../../../core/api/types.ts";
import type { RuntimeImage } from "../runtime/mod.ts";

/** What a machine is; read once by edge/machine. */
export interface MachineFacts {
  cpus: number;
  memoryBytes: number;
  /** Of the file system that holds the node's root directory. */
  storageBytes: number;
  machineID: string;
  systemUUID: string;
  bootID: string;
  kernelVersion: string;
  osImage: string;
  /** Go's words: "amd64", "arm64". */
  architecture: string;
}

/** What is left on the machine. */
export interface MachineRoom {
  availableMemoryBytes: number;
  availableStorageBytes: number;
  availableInodes: number;
  availablePids: number;
}

/** Below these the node says so; thresholds for disks are low, for a laptop's disk is often nearly full. */
const scarce = { memoryBytes: 100 << 20, storageBytes: 64 << 20, inodes: 10_000, pids: 1000 };

export interface NodeInput {
  name: string;
  /** One a family, the cluster's first family first. */
  addresses: readonly string[];
  podCIDRs: readonly string[];
  labels: Record<string, string>;
  kubeletPort: number;
  machine: MachineFacts;
  runtimeVersion: string;
  images: readonly RuntimeImage[];
}

export const kubeletVersion = "v1.36.0";
const maxImages = 50;
export const maxPods = 110;

/** The labels every kubelet sets; the launcher's own come beside them. */
export function nodeLabels(input: NodeInput): Record<string, string> {
  const { architecture } = input.machine;
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": input.name,
    "kubernetes.io/os": "linux",
    ...input.labels,
  };
}

export function newNode(input: NodeInput, status: NonNullable<Node["status"]>): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: input.name,
      labels: nodeLabels(input),
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: { podCIDR: input.podCIDRs[0], podCIDRs: [...input.podCIDRs] },
    status,
  } as Node;
}

/** Why the node is not ready; empty: it is. */
export type Unready = readonly string[];

export function nodeConditions(
  before: readonly NodeCondition[] | undefined,
  room: MachineRoom,
  unready: Unready,
  now: string,
): NodeCondition[] {
  type Fact = [string, "True" | "False", string, string];
  const pressure = (short: boolean, is: Fact, not: Fact): Fact => (short ? is : not);
  const facts: Fact[] = [
    pressure(
      room.availableMemoryBytes < scarce.memoryBytes,
      ["MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
      ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ),
    pressure(
      room.availableStorageBytes < scarce.storageBytes || room.availableInodes < scarce.inodes,
      ["DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
      ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ),
    pressure(
      room.availablePids < scarce.pids,
      ["PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
      ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ),
    unready.length === 0
      ? ["Ready", "True", "KubeletReady", "kubelet is posting ready status"]
      : ["Ready", "False", "KubeletNotReady", unready.length > 1 ? `[${unready.join(", ")}]` : unready[0]!],
  ];
  return facts.map(([type, status, reason, message]) => {
    const old = before?.find((c) => c.type === type);
    return {
      type,
      status,
      lastHeartbeatTime: now,
      lastTransitionTime: old && old.status === status ? old.lastTransitionTime! : now,
      reason,
      message,
    };
  }) as NodeCondition[];
}

/**
 * What the node's allocatable lacks of the resources that somebody advertised in its capacity; null: advertised no longer.
 * (Kubernetes tasks, "Advertise Extended Resources for a Node".)
 */
export function extendedResources(status: Node["status"]): Record<string, string | null> {
  const { capacity = {}, allocatable = {} } = status ?? {};
  const isExtended = (name: string): boolean => name.includes("/") && !name.includes("kubernetes.io/");
  const names = [...Object.keys(capacity), ...Object.keys(allocatable)].filter(isExtended);
  return Object.fromEntries(
    names.filter((n) => capacity[n] !== allocatable[n]).map((n) => [n, capacity[n] ?? null]),
  );
}

/** The reasons of the events that tell what changed: NodeReady, NodeHasSufficientMemory and their like. */
export function conditionNews(
  before: readonly NodeCondition[] | undefined,
  after: readonly NodeCondition[],
): string[] {
  return after
    .filter((c) => before?.find((old) => old.type === c.type)?.status !== c.status)
    .map((c) => c.reason!.replace(/^Kubelet/, "Node"));
}

export function nodeStatus(input: NodeInput, conditions: NodeCondition[]): NonNullable<Node["status"]> {
  const { machine } = input;
  const amounts = {
    cpu: String(machine.cpus),
    "ephemeral-storage": `${Math.floor(machine.storageBytes / 1024)}Ki`,
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
  const images = [...input.images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, maxImages)
    .map((i) => ({ names: [...i.repoDigests, ...i.repoTags], sizeBytes: i.sizeBytes }))
    .filter((i) => i.names.length > 0);
  return {
    capacity: amounts,
    allocatable: amounts,
    conditions,
    addresses: [
      ...input.addresses.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: input.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: input.kubeletPort } },
    nodeInfo: {
      machineID: machine.machineID,
      systemUUID: machine.systemUUID,
      bootID: machine.bootID,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: `containerd://${input.runtimeVersion}`,
      kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: machine.architecture,
    },
    images,
    runtimeHandlers: [
      { name: "", features: {} },
      { name: "runc", features: {} },
    ],
  } as unknown as NonNullable<Node["status"]>;
}
