// The kubelet's PodRuntime over containerd's socket: CRI v1 for pods and images, containerd's event stream for deaths
// (CRI in containerd 1.6 has no GetContainerEvents).
import type {
  ContainerConfig,
  ImageMounts,
  PodRuntime,
  RegistryAuth,
  RuntimeContainer,
  RuntimeEvent,
  RuntimeImage,
  Sandbox,
} from "../../agents/kubelet/mod.ts";
import { pause } from "../../control/client/mod.ts";
import { CriError, openChannel } from "./_channel.ts";
import { createImageMounts } from "./_image-mounts.ts";
import { forbidExecution } from "./_noexec.ts";
import { createStdinRelease } from "./_stdin-release.ts";
import { wouldLoseNow } from "./_streaming-sockets.ts";

const quickMs = 10_000;
/** Sandboxes and containers start in under a second on an idle machine; a loaded one gets kubelet's two minutes. */
const slowMs = 120_000;
const notFound = 5;

export interface ContainerdRuntime extends PodRuntime {
  readonly imageMounts: ImageMounts;
  close(): void;
}

const uidLabel = "io.kubernetes.pod.uid";

interface WireSandbox {
  id: string;
  metadata: { name: string; uid: string; namespace: string; attempt: number };
  state: string;
  createdAt: number;
  network?: { ip: string; additionalIps: { ip: string }[] } | null;
}

interface WireContainer {
  id: string;
  podSandboxId?: string;
  metadata: { name: string; attempt: number };
  state: string;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  reason?: string;
  message?: string;
  image: { image: string } | null;
  imageRef: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  logPath?: string;
}

interface WireStats {
  attributes: { id: string } | null;
  writableLayer: { usedBytes: { value: number } | null } | null;
}

interface WireImage {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  size: number;
  uid: { value: number } | null;
  username: string;
}

const ms = (nanoseconds: number | undefined): number => Math.floor((nanoseconds ?? 0) / 1e6);

function sandboxOf(w: WireSandbox): Sandbox {
  const ips = w.network?.ip ? [w.network.ip, ...w.network.additionalIps.map((a) => a.ip)] : [];
  return {
    id: w.id,
    podUid: w.metadata.uid,
    podName: w.metadata.name,
    podNamespace: w.metadata.namespace,
    attempt: w.metadata.attempt,
    ready: w.state === "SANDBOX_READY",
    createdAt: ms(w.createdAt),
    ips,
  };
}

function containerOf(w: WireContainer): RuntimeContainer {
  return {
    id: w.id,
    sandboxId: w.podSandboxId ?? "",
    podUid: w.labels[uidLabel] ?? "",
    name: w.metadata.name,
    attempt: w.metadata.attempt,
    state: w.state.slice("CONTAINER_".length).toLowerCase() as RuntimeContainer["state"],
    createdAt: ms(w.createdAt),
    startedAt: ms(w.startedAt),
    finishedAt: ms(w.finishedAt),
    exitCode: w.exitCode ?? 0,
    reason: w.reason ?? "",
    message: w.message ?? "",
    image: w.image?.image ?? "",
    imageRef: w.imageRef,
    labels: w.labels,
    annotations: w.annotations,
    logPath: w.logPath ?? "",
  };
}

function imageOf(w: WireImage): RuntimeImage {
  const { id, repoTags, repoDigests, size } = w;
  return {
    id,
    repoTags,
    repoDigests,
    sizeBytes: size,
    ...(w.uid ? { uid: w.uid.value } : {}),
    ...(w.username ? { username: w.username } : {}),
  };
}

async function unlessGone<T, F>(work: Promise<T>, gone: F): Promise<T | F> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CriError && error.code === notFound) return gone;
    throw error;
  }
}

/** `socket` is containerd's gRPC socket (NodeConfig.criSocket). Nothing is sent before the first call. */
export function createContainerdRuntime(socket: string): ContainerdRuntime {
  const channel = openChannel(socket);
  const { call } = channel;
  const byPod = (podUid: string | undefined): object =>
    podUid === undefined ? {} : { filter: { labelSelector: { [uidLabel]: podUid } } };

  /** What containerd's CRI plugin was told at its start: where its FIFOs are, what unpacks images. */
  let told: { stateDir: string; snapshotter: string } | undefined;
  async function configuration(): Promise<{ stateDir: string; snapshotter: string }> {
    if (told) return told;
    const { info } = await call("Status", { verbose: true }, quickMs);
    const { stateDir, containerd } = JSON.parse(info.config ?? "{}");
    if (typeof stateDir !== "string") throw new Error("the runtime does not tell its state directory");
    if (typeof containerd?.snapshotter !== "string")
      throw new Error("the runtime does not tell its snapshotter");
    told = { stateDir, snapshotter: containerd.snapshotter };
    return told;
  }

  /** Where containerd serves its streams, once it has told. */
  let streamPort: number | undefined;
  function toldUrl(url: string): string {
    streamPort = Number(new URL(url).port);
    return url;
  }

  async function watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const filters = ['topic=="/tasks/exit",namespace=="k8s.io"', 'topic=="/tasks/oom",namespace=="k8s.io"'];
    const stdin = createStdinRelease({
      stateDir: async () => (await configuration()).stateDir,
      wouldLose: async () => streamPort !== undefined && (await wouldLoseNow(streamPort)),
      signal,
    });
    const onMessage = (m: { topic: string; event: { value: Buffer } }): void => {
      if (m.topic === "/tasks/oom") {
        onEvent({ kind: "oom", containerId: channel.decode("TaskOOM", m.event.value).containerId });
        return;
      }
      const exit = channel.decode("TaskExit", m.event.value);
      // An exec's end is no container's end: its id is its own.
      if (exit.id === exit.containerId) onEvent({ kind: "exit", containerId: exit.containerId });
      else stdin.exited(exit.containerId, exit.id);
    };
    while (!signal.aborted) {
      await channel.stream("Subscribe", { filters }, onMessage, signal).catch(() => undefined);
      if (signal.aborted) return;
      await pause(200, signal);
      onEvent({ kind: "resumed" });
    }
  }

  /** Keeps a container that has not started from executing what it has mounted there. */
  async function seal(id: string, mounts: ContainerConfig["mounts"]): Promise<void> {
    const sealed = mounts.filter((m) => m.noexec);
    if (sealed.length === 0) return;
    const { spec } = (await call("Get", { id }, quickMs)).container;
    let text: string = spec.value.toString("utf8");
    for (const { containerPath } of sealed) {
      const next = forbidExecution(text, containerPath);
      if (next === undefined) throw new Error(`the container has no mount at ${containerPath}`);
      text = next;
    }
    const container = { id, spec: { typeUrl: spec.typeUrl, value: Buffer.from(text) } };
    await call("Update", { container, updateMask: { paths: ["spec"] } }, quickMs);
  }

  return {
    imageMounts: createImageMounts(channel, async () => (await configuration()).snapshotter),
    async version() {
      const v = await call("Version", {}, quickMs);
      return { name: v.runtimeName, version: v.runtimeVersion };
    },
    async conditions() {
      return (await call("Status", {}, quickMs)).status.conditions;
    },
    async listSandboxes(podUid) {
      return (await call("ListPodSandbox", byPod(podUid), quickMs)).items.map(sandboxOf);
    },
    async sandboxStatus(id) {
      const answer = await unlessGone(call("PodSandboxStatus", { podSandboxId: id }, quickMs), undefined);
      return answer && sandboxOf(answer.status);
    },
    async runSandbox(config, handler) {
      const request = { config, ...(handler ? { runtimeHandler: handler } : {}) };
      return (await call("RunPodSandbox", request, slowMs)).podSandboxId;
    },
    async stopSandbox(id) {
      await unlessGone(call("StopPodSandbox", { podSandboxId: id }, slowMs), undefined);
    },
    async removeSandbox(id) {
      await unlessGone(call("RemovePodSandbox", { podSandboxId: id }, slowMs), undefined);
    },
    async listContainers(podUid) {
      return (await call("ListContainers", byPod(podUid), quickMs)).containers.map(containerOf);
    },
    async containerStatus(id) {
      const answer = await unlessGone(call("ContainerStatus", { containerId: id }, quickMs), undefined);
      return answer && containerOf(answer.status);
    },
    async writableLayers(podUid) {
      const { stats } = await call("ListContainerStats", byPod(podUid), quickMs);
      return new Map(
        (stats as WireStats[]).flatMap(({ attributes, writableLayer }) =>
          attributes && writableLayer?.usedBytes ? [[attributes.id, writableLayer.usedBytes.value]] : [],
        ),
      );
    },
    async createContainer(podSandboxId, config, sandboxConfig) {
      const request = { podSandboxId, config, sandboxConfig };
      const { containerId } = await call("CreateContainer", request, slowMs);
      await seal(containerId, config.mounts).catch(async (error) => {
        await call("RemoveContainer", { containerId }, slowMs).catch(() => undefined);
        throw error;
      });
      return containerId;
    },
    async startContainer(containerId) {
      await call("StartContainer", { containerId }, slowMs);
    },
    async stopContainer(containerId, graceSeconds) {
      const limit = graceSeconds * 1000 + slowMs;
      await unlessGone(call("StopContainer", { containerId, timeout: graceSeconds }, limit), undefined);
    },
    async removeContainer(containerId) {
      await unlessGone(call("RemoveContainer", { containerId }, slowMs), undefined);
    },
    async updateResources(containerId, linux) {
      await call("UpdateContainerResources", { containerId, linux }, quickMs);
    },
    async reopenLog(containerId) {
      await call("ReopenContainerLog", { containerId }, quickMs);
    },
    async execSync(containerId, cmd, limitMs) {
      const timeout = Math.ceil(limitMs / 1000);
      const r = await call("ExecSync", { containerId, cmd, timeout }, limitMs + quickMs);
      return { exitCode: r.exitCode, stdout: r.stdout.toString("utf8"), stderr: r.stderr.toString("utf8") };
    },
    async exec({ command, ...request }) {
      return toldUrl((await call("Exec", { ...request, cmd: command }, quickMs)).url);
    },
    async attach(request) {
      return (await call("Attach", request, quickMs)).url;
    },
    async portForward(podSandboxId, port) {
      return (await call("PortForward", { podSandboxId, port }, quickMs)).url;
    },
    async images() {
      return (await call("ListImages", {}, quickMs)).images.map(imageOf);
    },
    async image(name) {
      const answer = await call("ImageStatus", { image: { image: name } }, quickMs);
      return answer.image ? imageOf(answer.image) : undefined;
    },
    async pullImage(name, auth: RegistryAuth | undefined, limitMs) {
      return (await call("PullImage", { image: { image: name }, ...(auth ? { auth } : {}) }, limitMs))
        .imageRef;
    },
    async removeImage(name) {
      await unlessGone(call("RemoveImage", { image: { image: name } }, slowMs), undefined);
    },
    watch,
    close: () => channel.close(),
  };
}
