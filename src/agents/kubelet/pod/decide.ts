// The heart of the kubelet as a function: a pod as wanted, as it is, and the time, in; what to do now, out
// (kubelet kuberuntime_manager computePodActions, with sidecar containers of KEP-753 and restart rules of KEP-5307).
import { isSidecar } from "../../../core/api/kinds/pod/sidecar.ts";
import type { Container, Pod } from "../../../core/api/types.ts";
import type { BackOff } from "../back-off.ts";
import { goDuration } from "../go-duration.ts";
import { allContainers, podText, type SpecContainer } from "../pod-text.ts";
import { containerAnnotations, containerHash, type RuntimeContainer, resourcesText } from "../runtime/mod.ts";
import { latest, type PodState, resourcesOf } from "./state.ts";

export interface Kill {
  container: RuntimeContainer;
  name: string;
  /** The Killing event's text. */
  message: string;
  /** A probe's own grace period overrides the pod's. */
  probe?: "liveness" | "startup";
}

export interface Start extends SpecContainer {
  attempt: number;
  /** The dead container it follows, for back-off. */
  after: RuntimeContainer | undefined;
}

export interface Resize {
  spec: SpecContainer;
  container: RuntimeContainer;
}

export interface Waiting {
  name: string;
  reason: "CrashLoopBackOff";
  message: string;
  /** True when this wait was not told in an event yet is for the caller to know; the text is the event's. */
  event: string;
  until: number;
}

export interface Plan {
  /** A new sandbox is needed before anything can start; everything of the old one goes first. */
  newSandbox: boolean;
  /** Nothing is left to run: the sandbox may go, for the reason given. */
  finished: boolean;
  kill: Kill[];
  start: Start[];
  /** Running containers whose resources are to change as they run (KEP-1287). */
  resize: Resize[];
  waiting: Waiting[];
  /** When to look again though nothing happens; undefined: never. */
  wakeAt: number | undefined;
}

/** `pod` must not be deleted: the end of a pod is not decided here. */
export function decide(pod: Pod, state: PodState, backOff: BackOff, now: number): Plan {
  const plan: Plan = {
    newSandbox: false,
    finished: false,
    kill: [],
    start: [],
    resize: [],
    waiting: [],
    wakeAt: undefined,
  };
  const wake = (at: number): void => {
    plan.wakeAt = plan.wakeAt === undefined ? at : Math.min(plan.wakeAt, at);
  };
  const { sandbox } = state;
  if (isFinished(pod, state)) {
    plan.finished = true;
    return plan;
  }
  if (!sandbox?.ready) {
    // Whatever ran in a dead sandbox is lost; what policy forbids to run again is not started in a new one.
    const wanted = pod.spec!.containers.some((container) => {
      const last = latest(state, container.name);
      return last?.state === "running" ? restarts(pod, container) : mayStart(pod, container, last);
    });
    if (!wanted) plan.finished = true;
    else plan.newSandbox = true;
    return plan;
  }

  const here = (name: string): RuntimeContainer | undefined => latest(state, name, sandbox.id);
  const attemptOf = (name: string): number => {
    const last = latest(state, name);
    return last ? Number(last.annotations[containerAnnotations.restartCount] ?? last.attempt) + 1 : 0;
  };

  /** Starts it now, or says until when it waits. */
  const start = (c: SpecContainer): void => {
    const { name } = c.container;
    const last = latest(state, name);
    const failure = state.failures.get(name);
    if (failure && failure.retryAt > now) {
      wake(failure.retryAt);
      return;
    }
    if (last?.state === "exited") {
      const until = backOff.until(name, last.finishedAt, now);
      if (until !== undefined) {
        const delay = goDuration(backOff.delayMs(name));
        plan.waiting.push({
          name,
          reason: "CrashLoopBackOff",
          message: `back-off ${delay} restarting failed container=${name} pod=${podText(pod)}`,
          event: `Back-off restarting failed container ${name} in pod ${podText(pod)}`,
          until,
        });
        wake(until);
        return;
      }
    }
    plan.start.push({ ...c, attempt: attemptOf(name), after: last?.state === "exited" ? last : undefined });
  };

  /** Kills a running container that failed a probe or whose definition changed; true when it did. */
  const killIfUnfit = (c: SpecContainer, running: RuntimeContainer): boolean => {
    const { name } = c.container;
    if (state.stopping.has(running.id)) return true;
    const probes = state.probes.get(running.id) ?? {};
    const hash = running.annotations[containerAnnotations.hash];
    let why: Pick<Kill, "message" | "probe"> | undefined;
    if (hash !== undefined && hash !== containerHash(c.container))
      why = { message: `Container ${name} definition changed, will be restarted` };
    else if (probes.liveness === false)
      why = { message: `Container ${name} failed liveness probe, will be restarted`, probe: "liveness" };
    else if (probes.startup === false)
      why = { message: `Container ${name} failed startup probe, will be restarted`, probe: "startup" };
    else if (wantsResize(c, running) && resizeRestarts(c.container, resourcesOf(state, running)))
      why = { message: `Container ${name} resize requires restart` };
    if (!why) {
      if (wantsResize(c, running)) plan.resize.push({ spec: c, container: running });
      return false;
    }
    if (!restarts(pod, c.container)) why.message = why.message.replace(", will be restarted", "");
    plan.kill.push({ container: running, name, ...why });
    return true;
  };

  function wantsResize(c: SpecContainer, running: RuntimeContainer): boolean {
    const now = resourcesOf(state, running);
    return now !== "" && now !== resourcesText(c.container);
  }

  for (const c of allContainers(pod)) {
    if (c.kind === "ephemeral" && !here(c.container.name)) {
      const failure = state.failures.get(c.container.name);
      if (failure && failure.retryAt > now) wake(failure.retryAt);
      else plan.start.push({ ...c, attempt: 0, after: undefined });
    }
  }

  const mains = allContainers(pod).filter((c) => c.kind === "main");
  const initialized = mains.some(({ container }) => {
    const m = here(container.name);
    return m !== undefined && m.state !== "created";
  });
  for (const c of allContainers(pod).filter((i) => i.kind === "init")) {
    const current = here(c.container.name);
    const alive = current?.state === "running";
    if (isSidecar(c.container)) {
      if (!alive) {
        start(c);
        if (!initialized) return plan;
        continue;
      }
      if (killIfUnfit(c, current)) {
        if (!initialized) return plan;
        continue;
      }
      if (!initialized && !isStarted(c.container, current, state)) return plan;
      continue;
    }
    if (initialized) continue;
    if (current?.state === "exited" && current.exitCode === 0) continue;
    if (alive) return plan;
    start(c);
    return plan;
  }
  for (const c of mains) {
    const current = here(c.container.name);
    if (current?.state === "running") killIfUnfit(c, current);
    else if (mayStart(pod, c.container, current)) start(c);
  }
  return plan;
}

/** Whether a changed resource's policy asks for a restart of the container. */
function resizeRestarts(container: Container, before: string): boolean {
  const old = JSON.parse(before) as Record<"requests" | "limits", Record<string, string>>;
  const { requests = {}, limits = {} } = container.resources ?? {};
  return (container.resizePolicy ?? []).some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === "RestartContainer" &&
      (old.requests[resourceName] !== requests[resourceName] ||
        old.limits[resourceName] !== limits[resourceName]),
  );
}

type RestartRule = {
  action: string;
  exitCodes?: { operator: string; values?: number[] };
};

/** Whether a container that ended so is started again. */
export function mayStart(pod: Pod, container: Container, last: RuntimeContainer | undefined): boolean {
  if (!last || last.state === "created" || last.state === "unknown") return true;
  if (last.state === "running") return false;
  const rules = (container as Container & { restartPolicyRules?: RestartRule[] }).restartPolicyRules ?? [];
  for (const rule of rules) {
    const listed = rule.exitCodes?.values?.includes(last.exitCode) ?? false;
    const matches = rule.exitCodes?.operator === "In" ? listed : rule.exitCodes ? !listed : false;
    if (matches && rule.action === "Restart") return true;
  }
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? "Always";
  return policy === "Always" || (policy === "OnFailure" && last.exitCode !== 0);
}

const restarts = (pod: Pod, container: Container): boolean =>
  (container.restartPolicy ?? pod.spec?.restartPolicy ?? "Always") !== "Never";

/** Whether the container counts as started: its startup probe, where it has one, has succeeded. */
export function isStarted(container: Container, running: RuntimeContainer, state: PodState): boolean {
  if (running.state !== "running" || state.hooking.has(running.id)) return false;
  return container.startupProbe ? state.probes.get(running.id)?.startup === true : true;
}

/**
 * Nothing will run any more: every main container has ended for good, or an init container failed and may not be
 * restarted, or the phase is final already.
 */
export function isFinished(pod: Pod, state: PodState): boolean {
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") return true;
  const ended = (container: Container): boolean => {
    const last = latest(state, container.name);
    return last?.state === "exited" && !mayStart(pod, container, last);
  };
  for (const container of pod.spec?.initContainers ?? []) {
    if (isSidecar(container)) continue;
    const last = latest(state, container.name);
    if (last?.state === "exited" && last.exitCode !== 0 && !mayStart(pod, container, last)) return true;
  }
  return pod.spec!.containers.every(ended);
}
