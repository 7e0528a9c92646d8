// Network programming latency (the SLI of sig-scalability): EndpointSlices carry the time of the change that made them
// change; what is remembered here from then on is how long the kernel took to follow.
import type { EndpointSlice } from "../../core/api/types.ts";

/** The annotation's time in milliseconds since the epoch; undefined when there is none. */
export function triggerTime(slice: EndpointSlice): number | undefined {
  const text = slice.metadata.annotations?.["endpoints.kubernetes.io/last-change-trigger-time"];
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

export interface ProgrammingLatency {
  /** A slice of that Service came or changed. Triggers from before `since` are history and not counted. */
  changed(service: string, now: EndpointSlice, old: EndpointSlice | undefined): void;
  /** The kernel has these Services: the latencies of what waited for them, in milliseconds. */
  settled(services: ReadonlySet<string>, wallMs: number): number[];
}

export function createProgrammingLatency(since: number): ProgrammingLatency {
  const waiting = new Map<string, number[]>();
  // Triggers are told in whole seconds: one of the second that this began in may have come after it.
  const from = Math.floor(since / 1000) * 1000;
  return {
    changed(service, now, old) {
      const time = triggerTime(now);
      if (time === undefined || time < from || (old && triggerTime(old) === time)) return;
      const list = waiting.get(service);
      if (!list) waiting.set(service, [time]);
      else if (list.length < 100) list.push(time);
    },
    settled(services, wallMs) {
      const out: number[] = [];
      for (const service of services) {
        const list = waiting.get(service);
        if (!list) continue;
        waiting.delete(service);
        for (const time of list) out.push(Math.max(0, wallMs - time));
      }
      return out;
    },
  };
}
