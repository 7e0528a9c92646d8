// The port to the container runtime, in CRI's terms (kubernetes/cri-api v1) as plain data: what the kubelet role asks for
// and what it is told. edge/cri implements it over containerd's socket.

export type NamespaceMode = "POD" | "CONTAINER" | "NODE" | "TARGET";

export interface NamespaceOptions {
  network: NamespaceMode;
  pid: NamespaceMode;
  ipc: NamespaceMode;
  targetId?: string;
}

export interface SecurityProfile {
  profileType: "RuntimeDefault" | "Unconfined" | "Localhost";
  localhostRef?: string;
}

/** Memory in bytes, CPU time in microseconds. */
export interface LinuxResources {
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuShares?: number;
  memoryLimitInBytes?: number;
  oomScoreAdj?: number;
}

export interface SandboxConfig {
  metadata: { name: string; uid: string; namespace: string; attempt: number };
  hostname: string;
  logDirectory: string;
  dnsConfig?: { servers: string[]; searches: string[]; options: string[] };
  portMappings: { protocol: string; containerPort: number; hostPort: number; hostIp: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  linux: {
    cgroupParent: string;
    sysctls: Record<string, string>;
    securityContext: {
      namespaceOptions: NamespaceOptions;
      runAsUser?: { value: number };
      runAsGroup?: { value: number };
      supplementalGroups: number[];
      privileged: boolean;
      seccomp?: SecurityProfile;
    };
  };
}

export interface Mount {
  containerPath: string;
  hostPath: string;
  readonly: boolean;
  /** Nothing below can be executed. CRI has no word for it; the runtime sees to it all the same. */
  noexec?: boolean;
  propagation: "PROPAGATION_PRIVATE" | "PROPAGATION_HOST_TO_CONTAINER" | "PROPAGATION_BIDIRECTIONAL";
}

export interface ContainerSecurity {
  capabilities?: { addCapabilities: string[]; dropCapabilities: string[] };
  privileged: boolean;
  namespaceOptions: NamespaceOptions;
  runAsUser?: { value: number };
  runAsGroup?: { value: number };
  runAsUsername?: string;
  readonlyRootfs: boolean;
  supplementalGroups: number[];
  noNewPrivs: boolean;
  maskedPaths: string[];
  readonlyPaths: string[];
  seccomp?: SecurityProfile;
  apparmor?: SecurityProfile;
  apparmorProfile?: string;
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number };
  image: { image: string };
  command: string[];
  args: string[];
  workingDir: string;
  envs: { key: string; value: Buffer }[];
  mounts: Mount[];
  devices: { containerPath: string; hostPath: string; permissions: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Relative to the sandbox's log directory. */
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  linux: { resources: LinuxResources; securityContext: ContainerSecurity };
}

export interface Sandbox {
  id: string;
  podUid: string;
  podName: string;
  podNamespace: string;
  attempt: number;
  ready: boolean;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Empty for a host-network pod, and in listings. */
  ips: string[];
}

/** One container of the runtime, dead ones too. Times are milliseconds since the epoch, 0 where there is none. */
export interface RuntimeContainer {
  id: string;
  sandboxId: string;
  podUid: string;
  name: string;
  attempt: number;
  state: "created" | "running" | "exited" | "unknown";
  createdAt: number;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  reason: string;
  message: string;
  /** What was asked for. */
  image: string;
  /** What it resolved to: a digest reference or the image's id. */
  imageRef: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  logPath: string;
}

export interface RuntimeImage {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  sizeBytes: number;
  /** The image's numeric USER, or its name; neither: root. */
  uid?: number;
  username?: string;
}

export type RuntimeEvent = { kind: "exit" | "oom"; containerId: string } | { kind: "resumed" };

/**
 * Every call has its own time limit and rejects with the runtime's words. Stop and remove are idempotent: what is gone
 * already counts as done.
 */
export interface PodRuntime {
  version(): Promise<{ name: string; version: string }>;
  /** Conditions as the runtime names them (RuntimeReady, NetworkReady); rejects when it cannot be reached. */
  conditions(): Promise<{ type: string; status: boolean; reason: string; message: string }[]>;
  listSandboxes(podUid?: string): Promise<Sandbox[]>;
  sandboxStatus(id: string): Promise<Sandbox | undefined>;
  /** `handler` names one of the runtime's handlers; absent: its default. */
  runSandbox(config: SandboxConfig, handler?: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  /** State, name and labels of containers; times and exit codes only from `containerStatus`. */
  listContainers(podUid?: string): Promise<RuntimeContainer[]>;
  containerStatus(id: string): Promise<RuntimeContainer | undefined>;
  /** Bytes that each of the pod's containers has written beside its image, as last measured, by container id. */
  writableLayers(podUid: string): Promise<ReadonlyMap<string, number>>;
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Resolves when it is dead: by its stop signal, or killed after `graceSeconds`. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  updateResources(id: string, resources: LinuxResources): Promise<void>;
  reopenLog(id: string): Promise<void>;
  execSync(
    id: string,
    command: string[],
    limitMs: number,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  exec(request: {
    containerId: string;
    command: string[];
    stdin: boolean;
    stdout: boolean;
    stderr: boolean;
    tty: boolean;
  }): Promise<string>;
  attach(request: {
    containerId: string;
    stdin: boolean;
    stdout: boolean;
    stderr: boolean;
    tty: boolean;
  }): Promise<string>;
  portForward(sandboxId: string, ports: number[]): Promise<string>;
  images(): Promise<RuntimeImage[]>;
  image(name: string): Promise<RuntimeImage | undefined>;
  /** Resolves with the image reference. */
  pullImage(name: string, auth: RegistryAuth | undefined, limitMs: number): Promise<string>;
  removeImage(name: string): Promise<void>;
  /** Deaths as they happen; `resumed` after a lost subscription came back (look at everything again). */
  watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
}

export interface RegistryAuth {
  username?: string;
  password?: string;
  auth?: string;
  serverAddress?: string;
  identityToken?: string;
  registryToken?: string;
}
