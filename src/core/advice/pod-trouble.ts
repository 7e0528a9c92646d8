// Why one pod is not ready: the nearest cause that its status and its probes' last words tell.
import { concurrentContainers } from "../api/kinds/pod/sidecar.ts";
import type { ContainerStatus, Pod } from "../api/types.ts";

export interface Trouble {
  /** starting: what every pod goes through; failing: something has gone wrong. */
  readonly kind: "starting" | "failing";
  readonly text: string;
}

/** The last message of a failing probe of that container, as its event tells it. */
export type ProbeFailure = (pod: Pod, container: string) => string | undefined;

const most = 200;
const short = (text: string): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const failing = (text: string): Trouble => ({ kind: "failing", text: short(text) });
const starting = (text: string): Trouble => ({ kind: "starting", text: short(text) });
const ordinary = ["ContainerCreating", "PodInitializing"];

const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((c) => c.type === type);

export const isReady = (pod: Pod): boolean => condition(pod, "Ready")?.status === "True";

/** A container that waits or has ended; a running one has no trouble of this kind. */
function stateTrouble(s: ContainerStatus): Trouble | undefined {
  const { waiting, terminated } = s.state ?? {};
  if (waiting && !ordinary.includes(waiting.reason ?? "ContainerCreating")) {
    const ended = s.lastState?.terminated;
    const why =
      waiting.reason === "CrashLoopBackOff" && ended
        ? `it ended with exit code ${ended.exitCode}`
        : waiting.message;
    return failing(`container ${s.name}: ${waiting.reason}${why ? `: ${why}` : ""}`);
  }
  return terminated ? failing(`container ${s.name} ended with exit code ${terminated.exitCode}`) : undefined;
}

function probeTrouble(pod: Pod, s: ContainerStatus, failure: ProbeFailure): Trouble | undefined {
  if (!s.state?.running || s.ready) return undefined;
  const container = concurrentContainers(pod.spec!).find((c) => c.name === s.name);
  const probe = container?.startupProbe && !s.started ? "startup" : "readiness";
  if (!container?.[`${probe}Probe`]) return undefined;
  const told = failure(pod, s.name);
  return told
    ? failing(`container ${s.name}: ${told}`)
    : starting(`container ${s.name} has not passed its ${probe} probe yet`);
}

/** Undefined for a ready pod. */
export function podTrouble(pod: Pod, failure: ProbeFailure): Trouble | undefined {
  const { phase, reason } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed")
    return failing(`it has ended (${reason ? `${phase}, ${reason}` : phase})`);
  if (pod.metadata.deletionTimestamp) return starting("it is terminating");
  if (isReady(pod)) return undefined;
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False")
    return failing(`not scheduled: ${scheduled.message || scheduled.reason || "no reason told"}`);
  if (!pod.spec?.nodeName) return starting("not scheduled yet");
  const init = pod.status?.initContainerStatuses ?? [];
  const own = pod.status?.containerStatuses ?? [];
  for (const s of init) {
    const trouble = s.state?.terminated?.exitCode === 0 ? undefined : stateTrouble(s);
    if (trouble) return trouble;
  }
  for (const s of own) {
    const trouble = stateTrouble(s);
    if (trouble) return trouble;
  }
  for (const s of [...init, ...own]) {
    const trouble = probeTrouble(pod, s, failure);
    if (trouble) return trouble;
  }
  const ready = condition(pod, "Ready");
  if (ready?.reason === "ReadinessGatesNotReady") return failing(ready.message ?? ready.reason);
  return starting("starting");
}
