// One container as CRI takes it: command with references expanded, environment, mounts, resources, security, and the
// labels and annotations by which a restarted node process knows it again (kubelet kuberuntime_container, labels.go).
import { createHash } from "node:crypto";
import type { Container, Pod } from "../../../core/api/types.ts";
import { type Environment, expandReferences } from "../content/mod.ts";
import { linuxResources } from "./resources.ts";
import type { ContainerConfig, Mount, RuntimeImage } from "./runtime.ts";
import { podLabels } from "./sandbox-config.ts";
import { containerSecurity } from "./security.ts";

export const containerAnnotations = {
  hash: "io.kubernetes.container.hash",
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  /** Requests and limits that the container was made with, as JSON. */
  resources: "portolan.dev/resources",
  /** Where the termination message is on this machine. */
  terminationLog: "portolan.dev/termination-log",
} as const;

/** A container whose hash changed is made anew; only what may change in a running pod counts. */
export function containerHash(container: Container): string {
  return createHash("sha256")
    .update(JSON.stringify([container.name, container.image]))
    .digest("hex")
    .slice(0, 16);
}

const sorted = (amounts: Record<string, string> | undefined): [string, string][] =>
  Object.entries(amounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** The requests and limits that a resize may change, in a form that can be compared. */
export function resourcesText(container: Container): string {
  const { requests, limits } = container.resources ?? {};
  return JSON.stringify({
    requests: Object.fromEntries(sorted(requests)),
    limits: Object.fromEntries(sorted(limits)),
  });
}

export interface ContainerFacts {
  attempt: number;
  environment: Environment;
  mounts: Mount[];
  image: RuntimeImage | undefined;
  /** What the image is called in the runtime: its id. */
  imageRef: string;
  memoryCapacity: number;
  terminationLog: string;
  /** Processes of this container are seen by an ephemeral one. */
  targetId?: string;
}

/** Throws ContainerConfigError where the spec cannot run as it stands. */
export function containerConfig(pod: Pod, container: Container, facts: ContainerFacts): ContainerConfig {
  const { attempt, environment } = facts;
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const lookup = (key: string): string | undefined => environment.variables.get(key)?.toString("utf8");
  const expand = (list: string[] | undefined): string[] =>
    (list ?? []).map((text) => expandReferences(text, lookup));
  return {
    metadata: { name: container.name, attempt },
    image: { image: facts.imageRef },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? "",
    envs: [...environment.variables].map(([key, value]) => ({ key, value })),
    mounts: facts.mounts,
    devices: [],
    labels: {
      [podLabels.name]: name,
      [podLabels.namespace]: namespace,
      [podLabels.uid]: uid,
      [podLabels.container]: container.name,
    },
    annotations: {
      [containerAnnotations.hash]: containerHash(container),
      [containerAnnotations.restartCount]: String(attempt),
      [containerAnnotations.terminationMessagePath]: container.terminationMessagePath ?? "",
      [containerAnnotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? "File",
      [containerAnnotations.resources]: resourcesText(container),
      [containerAnnotations.terminationLog]: facts.terminationLog,
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: linuxResources(pod, container, facts.memoryCapacity),
      securityContext: containerSecurity(pod, container, facts.image, facts.targetId),
    },
  };
}
