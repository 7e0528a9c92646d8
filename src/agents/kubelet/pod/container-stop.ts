// Stops one container: Killing event, preStop hook inside the grace period, stop signal, kill when the time is over
// (kubelet kuberuntime_container killContainer).
import type { Pod } from "../../../core/api/types.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodEvents } from "../pod-events.ts";
import type { SpecContainer } from "../pod-text.ts";
import { callHandler } from "../probes/mod.ts";
import type { RuntimeContainer } from "../runtime/mod.ts";

export interface StopInput {
  pod: Pod;
  /** Absent when the spec does not name it any more. */
  spec: SpecContainer | undefined;
  container: RuntimeContainer;
  message: string;
  graceSeconds: number;
  podIP: string;
  events: PodEvents;
}

/** A process always gets this long to end by itself, whatever the hook used up. */
const minimumGraceSeconds = 2;

/** Resolves when the container is dead; never rejects for a failed hook. */
export async function stopContainer(context: KubeletContext, input: StopInput): Promise<void> {
  const { pod, spec, container, graceSeconds, events } = input;
  const say = spec ? events.of(spec) : events;
  say.normal("Killing", input.message);
  let left = graceSeconds;
  const hook = spec?.container.lifecycle?.preStop;
  if (hook && graceSeconds > 0) {
    const began = context.now();
    const hookOver = callHandler(hook, {
      pod,
      container: spec.container,
      containerId: container.id,
      podIP: input.podIP,
      runtime: context.runtime,
      client: context.probes,
      timeoutMs: graceSeconds * 1000,
    });
    const result = await hookOver;
    const seconds = (context.now() - began) / 1000;
    if (!result.ok && seconds < graceSeconds) say.warning("FailedPreStopHook", "PreStopHook failed");
    left = Math.floor(graceSeconds - seconds);
  }
  const grace = graceSeconds <= 1 ? graceSeconds : Math.max(left, minimumGraceSeconds);
  await context.runtime.stopContainer(container.id, grace);
}
