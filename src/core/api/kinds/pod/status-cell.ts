// What `kubectl get pods` says of a pod: READY, STATUS and RESTARTS (pkg/printers/internalversion printPod).
import type { ContainerState, ContainerStatus, Pod } from "../../types.ts";
import { age } from "../table/mod.ts";
import { sidecarsOf } from "./sidecar.ts";

export interface PodSummary {
  ready: number;
  total: number;
  /** "Running", "CrashLoopBackOff", "Init:0/1", "Terminating"… */
  status: string;
  restarts: number;
  /** When the container that restarted last had ended, milliseconds; undefined when none has. */
  lastRestart: number | undefined;
}

type Terminated = NonNullable<ContainerState["terminated"]>;

const endOf = (t: Terminated): string => (t.signal ? `Signal:${t.signal}` : `ExitCode:${t.exitCode}`);
const isTrue = (pod: Pod, type: string): boolean =>
  (pod.status?.conditions ?? []).some((c) => c.type === type && c.status === "True");

/** Counts restarts of the containers it was shown, and when the last of them was. */
class Restarts {
  count = 0;
  last: number | undefined;
  add(status: ContainerStatus): void {
    this.count += status.restartCount ?? 0;
    const at = Date.parse(status.lastState?.terminated?.finishedAt ?? "");
    if (!Number.isNaN(at) && (this.last === undefined || at > this.last)) this.last = at;
  }
}

export function summarizePod(pod: Pod): PodSummary {
  const status = pod.status ?? {};
  const sidecars = new Set(sidecarsOf(pod.spec).map((c) => c.name));
  const total = (pod.spec?.containers ?? []).length + sidecars.size;
  let ready = 0;
  let reason = status.reason || status.phase || "";
  if ((status.conditions ?? []).some((c) => c.type === "PodScheduled" && c.reason === "SchedulingGated"))
    reason = "SchedulingGated";

  const all = new Restarts();
  const ofSidecars = new Restarts();
  let initializing = false;
  for (const [i, c] of (status.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(c.name);
    all.add(c);
    if (sidecar) ofSidecars.add(c);
    const { terminated, waiting } = c.state ?? {};
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && c.started === true) {
      if (c.ready) ready++;
      continue;
    }
    if (terminated) reason = `Init:${terminated.reason || endOf(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") reason = `Init:${waiting.reason}`;
    else reason = `Init:${i}/${(pod.spec?.initContainers ?? []).length}`;
    initializing = true;
    break;
  }

  let restarts = all;
  if (!initializing || isTrue(pod, "Initialized")) {
    restarts = ofSidecars;
    let running = false;
    for (const c of [...(status.containerStatuses ?? [])].reverse()) {
      restarts.add(c);
      const { terminated, waiting } = c.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) reason = terminated.reason || endOf(terminated);
      else if (c.ready && c.state?.running) {
        running = true;
        ready++;
      }
    }
    if (reason === "Completed" && running) reason = isTrue(pod, "Ready") ? "Running" : "NotReady";
  }

  if (pod.metadata.deletionTimestamp) {
    const ended = status.phase === "Succeeded" || status.phase === "Failed";
    if (status.reason === "NodeLost") reason = "Unknown";
    else if (!ended) reason = "Terminating";
  }
  return { ready, total, status: reason, restarts: restarts.count, lastRestart: restarts.last };
}

/** `3 (5s ago)`. */
export function restartsCell(s: PodSummary, now: number): string {
  if (s.restarts === 0 || s.lastRestart === undefined) return String(s.restarts);
  return `${s.restarts} (${age(new Date(s.lastRestart).toISOString(), now)} ago)`;
}

/** `1/2`: readiness gates whose condition is true. */
export function readinessGatesCell(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  return `${gates.filter((g) => isTrue(pod, g.conditionType)).length}/${gates.length}`;
}
