// What is known of one pod at a moment: the runtime's sandboxes and containers, probe results and failed starts. Input of
// the two pure functions that matter: what to do (decide.ts) and what to say (pod-status.ts).

import { containerAnnotations, type RuntimeContainer, type Sandbox } from "../runtime/mod.ts";

/** Result of a container's probes; absent kinds have none configured or none yet. */
export interface ProbeResults {
  startup?: boolean;
  readiness?: boolean;
  liveness?: boolean;
}

/** Why a container is not running though it should be: `state.waiting`. */
export interface StartFailure {
  reason: string;
  message: string;
  /** When to try again, milliseconds since the epoch. */
  retryAt: number;
}

export interface PodState {
  /** The newest one. */
  sandbox: Sandbox | undefined;
  /** All that the runtime has, of every attempt. */
  containers: readonly RuntimeContainer[];
  /** By container id. */
  probes: ReadonlyMap<string, ProbeResults>;
  /** By container name. */
  failures: ReadonlyMap<string, StartFailure>;
  /** Resources after a resize, by container id; else what the container was made with holds. */
  resized: ReadonlyMap<string, string>;
  /** Why a resize is not carried out, where one is wanted. */
  resizePending: { reason: string; message: string } | undefined;
  /** Ids of containers being stopped now. */
  stopping: ReadonlySet<string>;
  /** Ids of containers whose postStart hook has not ended: they are not "started" yet. */
  hooking: ReadonlySet<string>;
}

/** The requests and limits that hold for a running container, as `resourcesText` prints them; "" where unknown. */
export const resourcesOf = (state: Pick<PodState, "resized">, c: RuntimeContainer): string =>
  state.resized.get(c.id) ?? c.annotations[containerAnnotations.resources] ?? "";

/** The newest container of that name; `sandboxId` narrows to one sandbox. */
export function latest(
  state: Pick<PodState, "containers">,
  name: string,
  sandboxId?: string,
): RuntimeContainer | undefined {
  let found: RuntimeContainer | undefined;
  for (const c of state.containers) {
    if (c.name !== name || (sandboxId !== undefined && c.sandboxId !== sandboxId)) continue;
    if (!found || c.attempt > found.attempt || (c.attempt === found.attempt && c.createdAt > found.createdAt))
      found = c;
  }
  return found;
}

/** The newest dead container of that name older than `than`: lastState. */
export function previous(
  state: Pick<PodState, "containers">,
  name: string,
  than: RuntimeContainer | undefined,
): RuntimeContainer | undefined {
  let found: RuntimeContainer | undefined;
  for (const c of state.containers) {
    if (c.name !== name || c.state !== "exited" || c.id === than?.id) continue;
    if (than && c.createdAt > than.createdAt) continue;
    if (!found || c.createdAt > found.createdAt) found = c;
  }
  return found;
}
