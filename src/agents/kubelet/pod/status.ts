// A pod's status from what is known of it (kubelet_pods.go convertStatusToAPIStatus, getPhase; status/generate.go).

import { qosClass } from "../../../core/api/kinds/pod/qos-class.ts";
import { isSidecar } from "../../../core/api/kinds/pod/sidecar.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Container, ContainerState, ContainerStatus, Pod, PodStatus } from "../../../core/api/types.ts";
import type { Rejection } from "../node/mod.ts";
import { allContainers, type SpecContainer } from "../pod-text.ts";
import { containerAnnotations, type RuntimeContainer } from "../runtime/mod.ts";
import { podConditions } from "./conditions.ts";
import { isStarted, mayStart, type Waiting } from "./decide.ts";
import { latest, type PodState, previous, resourcesOf } from "./state.ts";

export interface StatusInput {
  pod: Pod;
  state: PodState;
  /** Containers that wait for their back-off, from decide. */
  waiting: readonly Waiting[];
  /** Termination messages by container id. */
  messages: ReadonlyMap<string, string>;
  /** The node's addresses, the first family's first. */
  hostIPs: readonly string[];
  /** RFC 3339: when the kubelet first saw the pod. */
  startTime: string;
  /** Everything that ran is dead and nothing will be started: the pod was deleted, evicted or ran out of time. */
  ended: boolean;
  /** Set when the kubelet ended the pod: its phase is then Failed. */
  verdict?: Rejection | undefined;
  /** The verdict came before anything was made. */
  rejected?: boolean;
  /** The pod's addresses when its sandbox is known no more. */
  podIPs: readonly string[];
  /** RFC 3339, for transitions. */
  now: string;
}

function terminated(c: RuntimeContainer, messages: ReadonlyMap<string, string>): ContainerState {
  const message = messages.get(c.id) || c.message;
  return {
    terminated: {
      exitCode: c.exitCode,
      reason: c.reason || (c.exitCode === 0 ? "Completed" : "Error"),
      ...(message ? { message } : {}),
      ...(c.startedAt > 0 ? { startedAt: timestamp(c.startedAt) } : { startedAt: timestamp(c.createdAt) }),
      finishedAt: timestamp(c.finishedAt || c.createdAt),
      containerID: `containerd://${c.id}`,
    },
  };
}

/** The state of a container that the runtime does not know: not started yet, or lost. */
function unstarted(input: StatusInput, c: SpecContainer): ContainerState {
  const failure = input.state.failures.get(c.container.name);
  if (failure) return { waiting: { reason: failure.reason, message: failure.message } };
  const inits = input.pod.spec?.initContainers ?? [];
  const reason = inits.length > 0 ? "PodInitializing" : "ContainerCreating";
  return { waiting: { reason } };
}

/** What a running container has, which a resize may be about to change; else what its spec says. */
function heldResources(
  container: Container,
  running: RuntimeContainer | undefined,
  state: PodState,
): NonNullable<Container["resources"]> {
  const text = running ? resourcesOf(state, running) : "";
  if (text === "") return container.resources ?? {};
  const all = JSON.parse(text) as Record<"requests" | "limits", Record<string, string>>;
  return {
    ...(Object.keys(all.limits).length > 0 ? { limits: all.limits } : {}),
    ...(Object.keys(all.requests).length > 0 ? { requests: all.requests } : {}),
  };
}

function containerStatus(input: StatusInput, c: SpecContainer): ContainerStatus {
  const { state, messages, pod } = input;
  const { container } = c;
  const current = latest(state, container.name);
  const before = previous(state, container.name, current);
  const waiting = input.waiting.find((w) => w.name === container.name);
  const failed = state.failures.get(container.name);
  // What will not be tried again is told as it ended.
  const failure = current?.state === "exited" && !mayStart(pod, container, current) ? undefined : failed;
  let last = before ? terminated(before, messages) : {};
  let now: ContainerState;
  let running: RuntimeContainer | undefined;
  if (current?.state === "running") {
    now = { running: { startedAt: timestamp(current.startedAt || current.createdAt) } };
    running = current;
  } else if (current?.state === "exited" && (waiting || failure) && !input.ended) {
    now = {
      waiting: waiting
        ? { reason: waiting.reason, message: waiting.message }
        : { reason: failure!.reason, message: failure!.message },
    };
    last = terminated(current, messages);
  } else if (current?.state === "exited") now = terminated(current, messages);
  else now = unstarted(input, c);

  const started = running ? isStarted(container, running, state) : false;
  const probed = running ? (state.probes.get(running.id) ?? {}) : {};
  let ready: boolean;
  if (c.kind === "init" && !isSidecar(container))
    ready = current?.state === "exited" && current.exitCode === 0;
  else
    ready = running !== undefined && started && (container.readinessProbe ? probed.readiness === true : true);
  if (c.kind === "ephemeral") ready = false;
  const asked = container.image ?? "";
  const held = heldResources(container, running, state);
  const { requests } = held;
  const mounts = (container.volumeMounts ?? []).map((m) => ({
    name: m.name,
    mountPath: m.mountPath,
    ...(m.readOnly ? { readOnly: true, recursiveReadOnly: "Disabled" } : {}),
  }));
  return {
    name: container.name,
    state: now,
    lastState: last,
    ready,
    restartCount: current
      ? Number(current.annotations[containerAnnotations.restartCount] ?? current.attempt)
      : (pod.status?.containerStatuses?.find((s) => s.name === container.name)?.restartCount ?? 0),
    image: current ? (current.image.startsWith("sha256:") || !current.image ? asked : current.image) : asked,
    imageID: current?.imageRef ?? "",
    ...(current && current.state !== "created" ? { containerID: `containerd://${current.id}` } : {}),
    ...(c.kind === "ephemeral"
      ? {}
      : { started: c.kind === "init" && !isSidecar(container) ? running !== undefined : started }),
    ...(requests && c.kind !== "ephemeral" ? { allocatedResources: requests } : {}),
    resources: held,
    ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
  } as ContainerStatus;
}

/** What was told of a container's end that the runtime knows no more. */
function forgotten({ pod, state }: StatusInput, { container }: SpecContainer): ContainerStatus | undefined {
  if (latest(state, container.name)) return undefined;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status!;
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    (s) => s.name === container.name && s.state?.terminated,
  );
}

/** core/v1 PodPhase, by the rules of the kubelet's getPhase. */
function podPhase(
  pod: Pod,
  state: PodState,
  statuses: { init: ContainerStatus[]; main: ContainerStatus[] },
  ended: boolean,
): string {
  const of = (list: ContainerStatus[], name: string): ContainerStatus | undefined =>
    list.find((s) => s.name === name);
  let initPending = 0;
  let sidecarsPending = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    const status = of(statuses.init, container.name);
    if (isSidecar(container)) {
      if (!status?.started && !status?.state?.running) sidecarsPending++;
      continue;
    }
    const done = status?.state?.terminated ?? status?.lastState?.terminated;
    if (status?.state?.running || !done) initPending++;
    else if (done.exitCode !== 0) {
      if (!mayStart(pod, container, latest(state, container.name)) || ended) return "Failed";
      initPending++;
    }
  }
  let waiting = 0;
  let running = 0;
  let stopped = 0;
  let succeeded = 0;
  let restartable = 0;
  for (const container of pod.spec!.containers) {
    const status = of(statuses.main, container.name);
    if (status?.state?.running) running++;
    else if (status?.state?.terminated) {
      stopped++;
      if (status.state.terminated.exitCode === 0) succeeded++;
      if (mayStart(pod, container, latest(state, container.name))) restartable++;
    } else if (status?.lastState?.terminated) {
      stopped++;
      restartable++;
    } else waiting++;
  }
  const begun = running + stopped > 0;
  if (initPending > 0 && !begun) return ended ? "Failed" : "Pending";
  if (sidecarsPending > 0 && !begun && !ended) return "Pending";
  if (waiting > 0) return ended ? "Failed" : "Pending";
  if (running > 0) return "Running";
  const sidecars = (pod.spec?.initContainers ?? []).some(
    (c) => isSidecar(c) && of(statuses.init, c.name)?.state?.running,
  );
  if (sidecars && !ended) return "Running";
  if (ended) return stopped === succeeded ? "Succeeded" : "Failed";
  if (restartable > 0) return "Running";
  return stopped === succeeded ? "Succeeded" : "Failed";
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, state, verdict } = input;
  if (input.rejected && verdict) return rejection(input, verdict);
  const old = pod.status?.phase;
  const isOver = old === "Failed" || old === "Succeeded";
  const of = (kind: SpecContainer["kind"]): ContainerStatus[] =>
    allContainers(pod)
      .filter((c) => c.kind === kind)
      .map((c) => (isOver && forgotten(input, c)) || containerStatus(input, c));
  const init = of("init");
  const main = of("main");
  const ephemeral = of("ephemeral");
  let phase = verdict ? "Failed" : podPhase(pod, state, { init, main }, input.ended);
  // A final phase stays with its reason: the runtime may have forgotten the containers since.
  if (isOver) phase = old;
  const why = verdict ?? (isOver ? pod.status : undefined);
  const ips = state.sandbox && state.sandbox.ips.length > 0 ? state.sandbox.ips : input.podIPs;
  const podIPs = pod.spec?.hostNetwork ? (state.sandbox ? input.hostIPs : []) : ips;
  const generation = pod.metadata.generation;
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    phase,
    conditions: podConditions({ pod, phase, init, main, state, now: input.now }),
    ...(why?.reason ? { reason: why.reason } : {}),
    ...(why?.message ? { message: why.message } : {}),
    hostIP: input.hostIPs[0]!,
    hostIPs: input.hostIPs.map((ip) => ({ ip })),
    ...(podIPs.length > 0 ? { podIP: podIPs[0]!, podIPs: podIPs.map((ip) => ({ ip })) } : {}),
    startTime: input.startTime,
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec!),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: main,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
  } as PodStatus;
}

/** Of a pod that may not run here only the verdict is told. */
function rejection({ pod, state, startTime, now }: StatusInput, verdict: Rejection): PodStatus {
  const generation = pod.metadata.generation;
  const phase = "Failed";
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    phase,
    conditions: podConditions({ pod, phase, init: [], main: [], state, now }),
    ...verdict,
    startTime,
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec!),
  } as PodStatus;
}
