// The kubelet role: pods bound to this node in, containers and statuses out. One worker a pod; this file only connects them
// to what wakes them: the API's pods and objects, the runtime's deaths.
import {
  createEventRecorder,
  createInformer,
  createInformers,
  type InformerSource,
  type KubeClient,
  pause,
} from "../../control/client/mod.ts";
import { nodes, pods, services } from "../../core/api/refs.ts";
import type { Node, Pod } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { createReferredObjects, type PodFiles } from "./content/mod.ts";
import { createStorageWatch, measureStorage } from "./eviction/mod.ts";
import { createGate, type KubeletContext, podKey } from "./kubelet-context.ts";
import type { KubeletMetrics } from "./metrics.ts";
import {
  admit,
  lackOfRoom,
  type MachineFacts,
  type MachineRoom,
  maxPods,
  runNode,
  wrongNode,
} from "./node/mod.ts";
import { createPodWorker, createRuntimeAudit, createStatusWriter, type PodWorker } from "./pod/mod.ts";
import type { ProbeClient } from "./probes/mod.ts";
import { createImages, type ImageMounts, meterRuntime, type PodRuntime } from "./runtime/mod.ts";
import type { PodRuntimePort } from "./server/runtime-port.ts";

export interface KubeletOptions {
  client: KubeClient;
  /** Copies of Services that run for the whole process; absent: the kubelet has its own. */
  informers?: InformerSource;
  runtime: PodRuntime;
  imageMounts: ImageMounts;
  files: PodFiles;
  probes: ProbeClient;
  machine: MachineFacts;
  /** What is left on the machine now. */
  room(): MachineRoom;
  nodeName: string;
  /** InternalIPs, and this node's parts of the pod ranges; one a family, the cluster's first family first. */
  addresses: readonly string[];
  podCIDRs: readonly string[];
  labels: Record<string, string>;
  cluster: ClusterFacts;
  kubeletPort: number;
  rootDir: string;
  podLogDir: string;
  /** Path below every cgroup hierarchy for this node's pods. */
  cgroupRoot: string;
  metrics: KubeletMetrics;
  /** Milliseconds between two looks at what pods have stored (10 s). */
  storageIntervalMs?: number;
  now?(): number;
  log(message: string, detail?: object): void;
}

export interface Kubelet {
  /** Resolves when the node is in the API. */
  readonly registered: Promise<void>;
  /** For the kubelet server (logs, exec, attach, port-forward). */
  readonly runtimePort: PodRuntimePort;
  /** Resolves after the signal aborted; containers keep running. */
  readonly done: Promise<void>;
}

/** Sandboxes made at once for each core: their work is half waiting. */
const sandboxesPerCore = 4;
const relistMs = 60_000;

/** Runs until the signal aborts. */
export function startKubelet(options: KubeletOptions, signal: AbortSignal): Kubelet {
  const { client, files, machine, nodeName, metrics, log } = options;
  const now = options.now ?? Date.now;
  const runtime = meterRuntime(options.runtime, metrics.runtime, () => performance.now());
  const events = createEventRecorder(client, {
    component: "kubelet",
    host: nodeName,
    now,
    onError: (error) => log("event not recorded", { error: String(error) }),
  });
  const onError = (error: unknown): void => log("watch failed, trying again", { error: String(error) });
  const podInformer = createInformer(client, pods, { fieldSelector: `spec.nodeName=${nodeName}`, onError });
  const nodeInformer = createInformer(client, nodes, { fieldSelector: `metadata.name=${nodeName}`, onError });
  const own = options.informers ? undefined : createInformers(client, (_, error) => onError(error));
  const serviceInformer = (options.informers ?? own!).of(services);
  const input = { name: nodeName, ...options };
  const workers = new Map<string, PodWorker>();
  const objects = createReferredObjects(client, {
    changed(uids) {
      for (const uid of uids) workers.get(uid)?.objectsChanged();
    },
    onError,
  });

  const context: KubeletContext = {
    facts: {
      nodeName,
      addresses: options.addresses,
      cluster: options.cluster,
      rootDir: options.rootDir,
      podLogDir: options.podLogDir,
      cgroupRoot: options.cgroupRoot,
      memoryCapacity: machine.memoryBytes,
      allocatable: {
        milliCpu: machine.cpus * 1000,
        memoryBytes: machine.memoryBytes,
        storageBytes: machine.storageBytes,
        pods: maxPods,
      },
    },
    client,
    runtime,
    files,
    probes: options.probes,
    images: createImages(runtime, options.probes, now),
    imageMounts: options.imageMounts,
    events,
    services: serviceInformer,
    objects,
    metrics,
    sandboxGate: createGate(Math.max(4, machine.cpus * sandboxesPerCore)),
    hostFiles: { resolvConf: "", hosts: "" },
    now,
    log,
  };

  const writer = createStatusWriter(client, { wrote: (pod) => podInformer.wrote(pod), log });
  let known = new Set<string>();

  const storage = createStorageWatch({
    pods: () => workers.values(),
    measure: (pod, running) => measureStorage(context, pod, running),
    evicted: metrics.evicted,
    onError: (pod, error) => log("storage not measured", { pod: podKey(pod), error: String(error) }),
    intervalMs: options.storageIntervalMs,
  });

  const audit = createRuntimeAudit(context, workers);

  /** The pods that hold room here beside this one. */
  const others = (pod: Pod): Pod[] =>
    [...workers.values()]
      .filter((w) => w.active && w.pod.metadata.uid !== pod.metadata.uid)
      .map((w) => w.pod);

  function take(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const worker = workers.get(uid);
    if (worker) {
      worker.update(pod);
      return;
    }
    workers.set(
      uid,
      createPodWorker({
        context,
        writer,
        pod,
        known: known.has(uid),
        async admit(wanted) {
          const ask = (node: Node | undefined) =>
            admit(wanted, others(wanted), context.facts.allocatable, node);
          const known = nodeInformer.get(nodeName);
          const refusal = known && ask(known);
          if (known && refusal?.reason !== wrongNode) return refusal;
          // The node's labels may be newer than the watch has told.
          const node = await client.get(nodes, nodeName).catch(() => undefined);
          return node ? ask(node) : (refusal ?? ask(undefined));
        },
        lackOfRoom: (wanted) => lackOfRoom(wanted, others(wanted), context.facts.allocatable),
        onGone(gone) {
          workers.delete(gone);
          writer.forget(gone);
          known.delete(gone);
        },
      }),
    );
    storage.came(pod);
  }

  async function every(ms: number, what: string, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await pause(ms, signal);
      if (signal.aborted) return;
      await work().catch((error) => log(`${what} failed`, { error: (error as Error).message }));
    }
  }

  async function begin(): Promise<void> {
    context.images.warm("docker.io");
    const [resolvConf, hosts] = await Promise.all([
      files.readText("/etc/resolv.conf"),
      files.readText("/etc/hosts"),
    ]);
    Object.assign(context.hostFiles, { resolvConf, hosts });
    for (let delay = 50; !signal.aborted; delay = Math.min(delay * 2, 1000)) {
      try {
        known = new Set((await runtime.listSandboxes()).map((s) => s.podUid));
        break;
      } catch (error) {
        log("runtime not reached yet", { error: (error as Error).message });
        await pause(delay, signal);
      }
    }
    await serviceInformer.synced;
    podInformer.on({
      added(pod) {
        metrics.pod(pod, now());
        take(pod);
      },
      updated(pod) {
        metrics.pod(pod, now());
        take(pod);
        writer.seen(pod);
      },
      deleted(pod) {
        metrics.podGone(pod);
        workers.get(pod.metadata.uid!)?.remove(pod);
      },
    });
    await podInformer.synced;
    await audit
      .removeStrays(new Set(podInformer.list().map((p) => p.metadata.uid!)))
      .catch((error) => log("strays not looked for", { error: (error as Error).message }));
  }

  const node = runNode({ client, runtime, events, input, room: options.room, now, log }, signal);
  const watches = [podInformer, nodeInformer, objects, ...(own ? [own] : [])].map((w) => w.run(signal));
  const watching = runtime.watch((event) => {
    if (event.kind === "resumed") for (const w of workers.values()) w.reload();
    else if (event.kind === "exit") for (const w of workers.values()) w.died(event.containerId);
  }, signal);
  const beginning = begin().catch((error) => log("kubelet did not begin", { error: (error as Error).stack }));

  const relisting = every(relistMs, "relist", audit.relist);

  metrics.showPods(() => [...workers.values()].map((w) => w.view()));

  const find = (uid: string): PodWorker | undefined => workers.get(uid);
  const runtimePort: PodRuntimePort = {
    pods: () => [...workers.values()].map((w) => w.view()),
    pod(namespace, name) {
      const same = [...workers.values()].filter(
        (w) => w.pod.metadata.namespace === namespace && w.pod.metadata.name === name,
      );
      return (same.find((w) => !w.pod.metadata.deletionTimestamp) ?? same[0])?.view();
    },
    runningContainer: async (uid, name) => find(uid)?.runningContainer(name),
    sandbox: async (uid) => find(uid)?.sandboxId,
    async containerLog(id) {
      const c = await runtime.containerStatus(id);
      return c?.logPath ? { path: c.logPath, running: c.state === "running" } : undefined;
    },
    reopenLog: (id) => runtime.reopenLog(id),
    exec: (request) => runtime.exec(request),
    attach: (request) => runtime.attach(request),
    portForward: ({ sandboxId, ports }) => runtime.portForward(sandboxId, ports),
  };

  return {
    registered: node.registered,
    runtimePort,
    done: Promise.all([...watches, watching, beginning, node.done, relisting]).then(() => {
      storage.end();
      for (const w of workers.values()) w.leave();
    }),
  };
}
