// Init containers that keep running beside the main ones (KEP-753).
import type { Container, PodSpec } from "../../types.ts";

export const isSidecar = (c: Container): boolean => c.restartPolicy === "Always";

export const sidecarsOf = (spec: PodSpec | undefined): Container[] =>
  (spec?.initContainers ?? []).filter(isSidecar);

/** The containers that run at once: the main ones, then the sidecars. */
export const concurrentContainers = (spec: PodSpec | undefined): Container[] => [
  ...(spec?.containers ?? []),
  ...sidecarsOf(spec),
];
