// Probes a running container on its schedule and keeps the verdicts (core/v1 Probe; kubelet prober worker).
import type { Container, Pod } from "../../../core/api/types.ts";
import type { ProbeResults } from "../pod/mod.ts";
import { callHandler, type Handler, type HandlerContext } from "./handler-call.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface ProbeSpec extends Handler {
  initialDelaySeconds?: number;
  timeoutSeconds?: number;
  periodSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
  terminationGracePeriodSeconds?: number;
}

function probeOf(container: Container, kind: ProbeKind): ProbeSpec | undefined {
  return container[`${kind}Probe`] as ProbeSpec | undefined;
}

const titles: Record<ProbeKind, string> = {
  startup: "Startup",
  liveness: "Liveness",
  readiness: "Readiness",
};

export interface ProbeLoopOptions {
  pod: Pod;
  container: Container;
  containerId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Verdicts of an earlier process, true until a probe says otherwise. */
  before?: ProbeResults;
  context: Omit<HandlerContext, "pod" | "container" | "containerId" | "timeoutMs">;
  /** A verdict changed. */
  onResult(kind: ProbeKind, ok: boolean): void;
  onUnhealthy(message: string): void;
}

export interface ProbeLoop {
  readonly results: ProbeResults;
  /** Liveness and startup verdicts are of no use for a pod on its way out. */
  stopAllButReadiness(): void;
  stop(): void;
}

/** A server that is just starting is asked again soon, these many milliseconds apart, before its probe's period rules. */
const warmUpMs = [50, 100, 200, 400];

/** Runs until `stop`: one timer a probe. */
export function startProbes(options: ProbeLoopOptions): ProbeLoop {
  const { container } = options;
  const results: ProbeResults = { ...options.before };
  const timers = new Map<ProbeKind, NodeJS.Timeout>();
  const stopped = new Set<ProbeKind>();

  function begin(kind: ProbeKind): void {
    const spec = probeOf(container, kind);
    if (!spec || stopped.has(kind)) return;
    const first = options.startedAt + (spec.initialDelaySeconds ?? 0) * 1000 - Date.now();
    schedule(kind, spec, Math.max(0, first), { streak: 0, last: undefined, warm: 0 });
  }

  interface Run {
    streak: number;
    last: boolean | undefined;
    warm: number;
  }

  function schedule(kind: ProbeKind, spec: ProbeSpec, delayMs: number, run: Run): void {
    if (stopped.has(kind)) return;
    timers.set(
      kind,
      setTimeout(() => void once(kind, spec, run), delayMs),
    );
  }

  async function once(kind: ProbeKind, spec: ProbeSpec, run: Run): Promise<void> {
    const began = Date.now();
    const { ok, output } = await callHandler(spec, {
      ...options.context,
      pod: options.pod,
      container,
      containerId: options.containerId,
      timeoutMs: (spec.timeoutSeconds ?? 1) * 1000,
    });
    if (stopped.has(kind)) return;
    const period = (spec.periodSeconds ?? 10) * 1000;
    const fresh = results[kind] === undefined && !spec.exec && (spec.initialDelaySeconds ?? 0) === 0;
    if (!ok && fresh && kind !== "liveness" && run.warm < warmUpMs.length && run.streak === 0) {
      schedule(kind, spec, warmUpMs[run.warm]!, { ...run, warm: run.warm + 1 });
      return;
    }
    if (!ok) options.onUnhealthy(`${titles[kind]} probe failed: ${output}`);
    const streak = run.last === ok ? run.streak + 1 : 1;
    const threshold = ok ? (spec.successThreshold ?? 1) : (spec.failureThreshold ?? 3);
    if (streak >= threshold && results[kind] !== ok) {
      results[kind] = ok;
      options.onResult(kind, ok);
      if (kind === "startup" && ok) {
        begin("liveness");
        begin("readiness");
        return;
      }
      // The container is about to be killed: its successor has probes of its own.
      if (kind !== "readiness" && !ok) return;
    }
    schedule(kind, spec, Math.max(0, period - (Date.now() - began)), { streak, last: ok, warm: run.warm });
  }

  if (container.startupProbe && !results.startup) begin("startup");
  else {
    begin("liveness");
    begin("readiness");
  }
  const end = (kind: ProbeKind): void => {
    stopped.add(kind);
    clearTimeout(timers.get(kind));
  };
  return {
    results,
    stopAllButReadiness() {
      end("startup");
      end("liveness");
    },
    stop() {
      for (const kind of ["startup", "liveness", "readiness"] as const) end(kind);
    },
  };
}
