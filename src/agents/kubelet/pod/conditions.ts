// The conditions that the kubelet owns on a pod, worded as its status generator words them (kubelet status/generate.go).
import { isSidecar, sidecarsOf } from "../../../core/api/kinds/pod/sidecar.ts";
import type { Container, ContainerStatus, Pod, PodCondition } from "../../../core/api/types.ts";
import type { PodState } from "./state.ts";

export interface ConditionsInput {
  pod: Pod;
  phase: string;
  init: readonly ContainerStatus[];
  main: readonly ContainerStatus[];
  state: Pick<PodState, "sandbox" | "resizePending">;
  /** RFC 3339. */
  now: string;
}

interface Fact {
  type: string;
  status: "True" | "False";
  reason?: string;
  message?: string;
}

const list = (names: string[]): string => `[${names.join(" ")}]`;

function terminal(type: string, phase: string): Fact | undefined {
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
  return undefined;
}

function containersReady({ pod, phase, init, main }: ConditionsInput): Fact {
  const type = "ContainersReady";
  const done = terminal(type, phase);
  if (done) return done;
  const unready = [...sidecarsOf(pod.spec), ...pod.spec!.containers]
    .filter((c) => ![...init, ...main].find((s) => s.name === c.name)?.ready)
    .map((c) => c.name);
  if (unready.length === 0) return { type, status: "True" };
  const message = `containers with unready status: ${list(unready)}`;
  return { type, status: "False", reason: "ContainersNotReady", message };
}

function ready(input: ConditionsInput, containers: Fact): Fact {
  if (containers.status !== "True") return { ...containers, type: "Ready" };
  const missing: string[] = [];
  for (const gate of input.pod.spec?.readinessGates ?? []) {
    const type = gate.conditionType;
    const c = input.pod.status?.conditions?.find((x) => x.type === type);
    if (!c) missing.push(`corresponding condition of pod readiness gate "${type}" does not exist.`);
    else if (c.status !== "True")
      missing.push(`the status of pod readiness gate "${type}" is not "True", but ${c.status}`);
  }
  if (missing.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: missing.join(", ") };
}

function initialized({ pod, phase, init, main }: ConditionsInput): Fact {
  const type = "Initialized";
  if (phase === "Succeeded") return { type, status: "True", reason: "PodCompleted" };
  const begun = main.some(
    (s) => s.started || s.state?.running || s.state?.terminated || s.lastState?.terminated,
  );
  const done = (c: Container): boolean => {
    const s = init.find((x) => x.name === c.name);
    return (isSidecar(c) ? s?.started : s?.ready) ?? false;
  };
  const open = begun ? [] : (pod.spec?.initContainers ?? []).filter((c) => !done(c)).map((c) => c.name);
  if (open.length === 0) return { type, status: "True" };
  const message = `containers with incomplete status: ${list(open)}`;
  return { type, status: "False", reason: "ContainersNotInitialized", message };
}

/** Owned conditions with their transition times kept where the status did not change. */
export function podConditions(input: ConditionsInput): PodCondition[] {
  const containers = containersReady(input);
  const facts: Fact[] = [
    { type: "PodReadyToStartContainers", status: input.state.sandbox?.ready ? "True" : "False" },
    initialized(input),
    ready(input, containers),
    containers,
    { type: "PodScheduled", status: "True" },
  ];
  const pending = input.state.resizePending;
  if (pending) {
    const type = pending.reason === "Error" ? "PodResizeInProgress" : "PodResizePending";
    facts.push({ type, status: "True", ...pending });
  }
  const generation = input.pod.metadata.generation;
  return facts.map((fact) => {
    const old = input.pod.status?.conditions?.find((c) => c.type === fact.type);
    const same = old?.status === fact.status && old.lastTransitionTime;
    return {
      ...(generation ? { observedGeneration: generation } : {}),
      type: fact.type,
      status: fact.status,
      lastProbeTime: null,
      lastTransitionTime: same ? old.lastTransitionTime : input.now,
      ...(fact.reason ? { reason: fact.reason } : {}),
      ...(fact.message ? { message: fact.message } : {}),
    } as unknown as PodCondition;
  });
}
