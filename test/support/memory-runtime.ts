// A container runtime and a machine's files in memory, for tests of the kubelet: sandboxes and containers come, die and are told
// of as containerd's do; nothing runs.
import type {
  ContainerConfig,
  ImageMounts,
  PodFiles,
  PodRuntime,
  RuntimeContainer,
  RuntimeEvent,
  Sandbox,
} from "../../src/agents/kubelet/mod.ts";

export interface MemoryRuntime extends PodRuntime {
  /** What was done, in order: `run web`, `create c/0`, `start c/0`, `stop c/0 grace=30`, `remove c/0`… */
  readonly done: string[];
  readonly sandboxes: ReadonlyMap<string, Sandbox>;
  readonly containers: ReadonlyMap<string, RuntimeContainer & { config: ContainerConfig }>;
  /** The running container of that name. */
  running(name: string): (RuntimeContainer & { config: ContainerConfig }) | undefined;
  /** The container's process ends by itself. */
  exit(name: string, exitCode: number): void;
  /** The lost subscription to deaths is back. */
  resume(): void;
  /** The sandboxes' processes are killed; their containers run on. */
  loseSandboxes(): void;
  /** Bytes in containers' writable layers, by the container's name. */
  readonly written: Map<string, number>;
  /** Containers that do not heed their stop signal. */
  readonly stubborn: Set<string>;
}

const image = {
  id: "sha256:b00",
  repoTags: ["docker.io/library/busybox:latest"],
  repoDigests: ["docker.io/library/busybox@sha256:b00"],
  sizeBytes: 1,
};

const unused = (what: string) => async (): Promise<never> => {
  throw new Error(`${what} is not of this runtime`);
};

/** `now`: milliseconds since the epoch. */
export function createMemoryRuntime(now: () => number): MemoryRuntime {
  const done: string[] = [];
  const sandboxes = new Map<string, Sandbox>();
  const containers = new Map<string, RuntimeContainer & { config: ContainerConfig }>();
  const listeners = new Set<(event: RuntimeEvent) => void>();
  const stubborn = new Set<string>();
  const written = new Map<string, number>();
  let serial = 0;

  const say = (c: RuntimeContainer): string => `${c.name}/${c.attempt}`;
  const tell = (containerId: string): void => {
    for (const listener of listeners) listener({ kind: "exit", containerId });
  };

  function end(c: RuntimeContainer, exitCode: number): void {
    if (c.state !== "running") return;
    Object.assign(c, {
      state: "exited",
      exitCode,
      finishedAt: now(),
      reason: exitCode === 0 ? "Completed" : "Error",
    });
    tell(c.id);
  }

  const of = <T extends { podUid: string }>(all: Iterable<T>, uid: string | undefined): T[] =>
    [...all].filter((x) => uid === undefined || x.podUid === uid).map((x) => ({ ...x }));

  const runtime: MemoryRuntime = {
    done,
    sandboxes,
    containers,
    stubborn,
    written,
    running: (name) => [...containers.values()].find((c) => c.name === name && c.state === "running"),
    exit(name, exitCode) {
      end(runtime.running(name)!, exitCode);
    },
    resume() {
      for (const listener of listeners) listener({ kind: "resumed" });
    },
    loseSandboxes() {
      for (const s of sandboxes.values()) {
        s.ready = false;
        tell(s.id);
      }
    },
    version: async () => ({ name: "memory", version: "1" }),
    conditions: async () =>
      ["RuntimeReady", "NetworkReady"].map((type) => ({ type, status: true, reason: "", message: "" })),
    listSandboxes: async (uid) => of(sandboxes.values(), uid).map((s) => ({ ...s, ips: [] })),
    sandboxStatus: async (id) => (sandboxes.has(id) ? { ...sandboxes.get(id)! } : undefined),
    async runSandbox({ metadata }) {
      const id = `s${++serial}`;
      done.push(`run ${metadata.name}`);
      sandboxes.set(id, {
        id,
        podUid: metadata.uid,
        podName: metadata.name,
        podNamespace: metadata.namespace,
        attempt: metadata.attempt,
        ready: true,
        createdAt: now(),
        ips: [`10.244.0.${serial}`],
      });
      return id;
    },
    async stopSandbox(id) {
      const s = sandboxes.get(id);
      if (!s?.ready) return;
      done.push(`stop ${s.podName}`);
      s.ready = false;
    },
    async removeSandbox(id) {
      if (sandboxes.has(id)) done.push(`remove ${sandboxes.get(id)!.podName}`);
      sandboxes.delete(id);
    },
    listContainers: async (uid) => of(containers.values(), uid),
    async containerStatus(id) {
      const c = containers.get(id);
      // As CRI's, it does not say which sandbox it is of.
      return c && { ...c, sandboxId: "" };
    },
    writableLayers: async (uid) =>
      new Map(of(containers.values(), uid).map((c) => [c.id, written.get(c.name) ?? 0])),
    async createContainer(sandboxId, config) {
      const id = `c${++serial}`;
      const s = sandboxes.get(sandboxId)!;
      const c = {
        id,
        sandboxId,
        podUid: s.podUid,
        name: config.metadata.name,
        attempt: config.metadata.attempt,
        state: "created",
        createdAt: now(),
        startedAt: 0,
        finishedAt: 0,
        exitCode: 0,
        reason: "",
        message: "",
        image: config.image.image,
        imageRef: image.repoDigests[0]!,
        labels: config.labels,
        annotations: config.annotations,
        logPath: `/logs/${config.logPath}`,
        config,
      } as const;
      done.push(`create ${say(c)}`);
      containers.set(id, { ...c });
      return id;
    },
    async startContainer(id) {
      const c = containers.get(id)!;
      done.push(`start ${say(c)}`);
      Object.assign(c, { state: "running", startedAt: now() });
    },
    async stopContainer(id, graceSeconds) {
      const c = containers.get(id);
      if (c?.state !== "running") return;
      done.push(`stop ${say(c)} grace=${graceSeconds}`);
      if (!stubborn.has(c.name)) return end(c, 0);
      // Over when it is dead, by this call or by another.
      await new Promise<void>((resolve) => {
        const kill = setTimeout(() => end(c, 137), graceSeconds * 1000);
        const dead = (event: RuntimeEvent): void => {
          if (event.kind !== "exit" || event.containerId !== id) return;
          clearTimeout(kill);
          listeners.delete(dead);
          resolve();
        };
        listeners.add(dead);
      });
    },
    async removeContainer(id) {
      if (containers.has(id)) done.push(`remove ${say(containers.get(id)!)}`);
      containers.delete(id);
    },
    updateResources: async () => {},
    reopenLog: async () => {},
    execSync: unused("exec"),
    exec: unused("exec"),
    attach: unused("attach"),
    portForward: unused("port-forward"),
    images: async () => [image],
    image: async (name) => (image.repoTags.includes(name) ? image : undefined),
    pullImage: unused("a registry"),
    removeImage: async () => {},
    async watch(onEvent, signal) {
      listeners.add(onEvent);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      listeners.delete(onEvent);
    },
  };
  return runtime;
}

export interface MemoryFiles extends PodFiles {
  /** Volumes' contents by path, and files. */
  readonly volumes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly files: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  /** Bytes on disk by path. */
  readonly usage: Map<string, number>;
}

export function createMemoryFiles(): MemoryFiles {
  const volumes = new Map<string, ReadonlyMap<string, string>>();
  const files = new Map<string, string>();
  const removed: string[] = [];
  const usage = new Map<string, number>();
  const below = (path: string): ((key: string) => boolean) => {
    return (key) => key === path || key.startsWith(`${path}/`);
  };
  return {
    volumes,
    files,
    removed,
    usage,
    makeDirectory: async () => {},
    link: async () => {},
    mountMemory: async () => {},
    async writeVolume(path, content) {
      volumes.set(path, new Map([...content].map(([name, f]) => [name, f.content.toString()])));
    },
    writeFile: async (path, content) => void files.set(path, content),
    checkHostPath: async () => {},
    resolveSubPath: async (volume, subPath) => `${volume}/${subPath}`,
    async findInside(root, path) {
      const whole = path === "" ? root : `${root}/${path}`;
      return [...files.keys()].some(below(whole)) ? whole : undefined;
    },
    readTail: async (path) => files.get(path),
    sharesMounts: async () => true,
    readText: async () => "",
    async removeTree(path) {
      removed.push(path);
      for (const map of [volumes, files]) for (const key of map.keys()) if (below(path)(key)) map.delete(key);
    },
    removeCgroup: async () => {},
    diskUsage: async (paths) => new Map([...usage].filter(([path]) => paths.includes(path))),
    list: async (path) => [
      ...new Set(
        [...volumes.keys(), ...files.keys()]
          .filter(below(path))
          .map((k) => k.slice(path.length + 1).split("/")[0]!),
      ),
    ],
  };
}

/** Images' files among the files in memory: each image has an /etc/passwd and no more. */
export function createMemoryImageMounts(files: MemoryFiles): ImageMounts {
  return {
    mount: (imageId, path) => files.writeFile(`${path}/etc/passwd`, imageId, 0o644),
    unmount: (path) => files.removeTree(path),
  };
}
