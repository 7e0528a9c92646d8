// How messages name a pod: `name_namespace(uid)` (kubelet util/format).
import type { Container, Pod } from "../../core/api/types.ts";

export const podText = (pod: Pod): string =>
  `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;

/** Kind of a pod's container by its list in the spec. */
export type ContainerKind = "init" | "main" | "ephemeral";

export interface SpecContainer {
  kind: ContainerKind;
  container: Container;
}

/** Init containers first, then the main ones, then ephemeral ones. */
export function allContainers(pod: Pod): SpecContainer[] {
  const of = (kind: ContainerKind, list: readonly Container[] | undefined): SpecContainer[] =>
    (list ?? []).map((container) => ({ kind, container }));
  const { initContainers, containers, ephemeralContainers } = pod.spec!;
  return [
    ...of("init", initContainers),
    ...of("main", containers),
    ...of("ephemeral", ephemeralContainers as Container[] | undefined),
  ];
}

const eventPath: Record<ContainerKind, string> = {
  init: "spec.initContainers",
  main: "spec.containers",
  ephemeral: "spec.ephemeralContainers",
};

export const containerFieldPath = (c: SpecContainer): string => `${eventPath[c.kind]}{${c.container.name}}`;

/** What is started first in a new sandbox: the first init container, or every main one. */
export function firstToStart(pod: Pod): SpecContainer[] {
  const all = allContainers(pod);
  const init = all.find((c) => c.kind === "init");
  return init ? [init] : all.filter((c) => c.kind === "main");
}
