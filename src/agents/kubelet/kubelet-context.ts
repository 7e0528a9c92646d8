// What every part of the kubelet role works with: facts of the node and the ports to everything outside.
import type { EventRecorder, Informer, KubeClient } from "../../control/client/mod.ts";
import type { Pod, Service } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import type { Allocatable, PodFiles, ReferredObjects } from "./content/mod.ts";
import type { KubeletMetrics } from "./metrics.ts";
import type { ProbeClient } from "./probes/mod.ts";
import type { ImageMounts, Images, PodRuntime } from "./runtime/mod.ts";

export interface NodeFacts {
  nodeName: string;
  /** InternalIPs, one a family, the cluster's first family first. */
  addresses: readonly string[];
  cluster: ClusterFacts;
  rootDir: string;
  podLogDir: string;
  /** Path below every cgroup hierarchy under which all of this node's pods stand. */
  cgroupRoot: string;
  memoryCapacity: number;
  allocatable: Allocatable & { pods: number };
}

/** Bounds how many of something run at once; waiters go in order. */
export interface Gate {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export interface KubeletContext {
  facts: NodeFacts;
  client: KubeClient;
  runtime: PodRuntime;
  files: PodFiles;
  probes: ProbeClient;
  images: Images;
  imageMounts: ImageMounts;
  events: EventRecorder;
  services: Informer<Service>;
  objects: ReferredObjects;
  metrics: Pick<KubeletMetrics, "imageVolumes">;
  /** Sandboxes made at once. */
  sandboxGate: Gate;
  /** Text of the machine's resolv.conf and hosts file. */
  hostFiles: { resolvConf: string; hosts: string };
  now(): number;
  log(message: string, detail?: object): void;
}

export function createGate(width: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
      else running++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}

export const podKey = (pod: Pod): string => `${pod.metadata.namespace}/${pod.metadata.name}`;
