// What the parts of one pod's worker share.
import type { Pod } from "../../../core/api/types.ts";
import type { PodVolumes } from "../content/mod.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodEvents } from "../pod-events.ts";
import type { PodCache } from "./cache.ts";

export interface PodParts {
  readonly context: KubeletContext;
  readonly uid: string;
  /** As the API has it now. */
  pod(): Pod;
  /** The address that probes and hooks dial; "" before there is one. */
  podIP(): string;
  readonly cache: PodCache;
  readonly events: PodEvents;
  readonly volumes: PodVolumes;
  /** Aborts when the pod is to leave: whatever waits on its behalf stops waiting. */
  readonly leaving: AbortSignal;
  /** Has the worker look again. */
  wake(): void;
}

/** Seconds between asking to stop and killing, as the API says now. */
export const graceSeconds = (pod: Pod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
