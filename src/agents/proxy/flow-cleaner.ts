// Removes UDP flows that contradict the plan, beside the transactions and never in their way: one comparison at a time, one
// more when something changed meanwhile. A comparison costs what all flows and all UDP Services cost; rests between them
// keep that a bounded part of a core, however often something changes.
import { hasUdp, type ServicePlan, staleFlows } from "../../core/network/mod.ts";
import type { Clock, Conntrack, Log } from "./ports.ts";

export interface FlowCleaner {
  /** Compares soon; never waits. */
  clean(): void;
  /** Compares if that was long ago: what no event told is put right too. */
  cleanNowAndThen(): void;
  /** Ends; resolves when no comparison runs. */
  close(): Promise<void>;
}

/** After a comparison its duration so many times is rested, at most `restMostMs`. */
const restTimes = 3;
const restMostMs = 10_000;
/** Without a change flows are compared that rarely, or after so many durations. */
const seldomMs = 10_000;
const seldomTimes = 100;

export function createFlowCleaner(
  {
    conntrack,
    log,
    clock,
    reconciled,
  }: {
    conntrack: Conntrack;
    log: Log;
    clock: Clock;
    /** Told of every comparison: how long it took, and how many flows went. */
    reconciled?(milliseconds: number, removed: number): void;
  },
  plan: () => ServicePlan | undefined,
): FlowCleaner {
  let again = false;
  let running: Promise<void> | undefined;
  let failed = false;
  const closing = new AbortController();
  let seldomAt = 0;
  /** Some Service has, or had when last cleaned, a UDP port; before the first time nobody knows what was. */
  let udpSeen = true;

  async function cleanOnce(): Promise<void> {
    const now = plan();
    if (!now) return;
    let udp = false;
    for (const s of now.services()) {
      udp = hasUdp(s);
      if (udp) break;
    }
    if (!udp && !udpSeen) return;
    const { family } = now.facts;
    const begin = clock.now();
    const stale = staleFlows(await conntrack.udpFlows(family), now.services(), now.facts);
    // The tables may have changed while the flows were read: judge what is about to go once more.
    const still = stale.length === 0 ? stale : staleFlows(stale, now.services(), now.facts);
    if (still.length > 0) await conntrack.remove(family, still);
    udpSeen = udp;
    reconciled?.(clock.now() - begin, still.length);
  }

  async function work(): Promise<void> {
    while (again && !closing.signal.aborted) {
      again = false;
      const begin = clock.now();
      try {
        await cleanOnce();
        failed = false;
      } catch (error) {
        if (!failed)
          log.warn({ error: String(error) }, "UDP flows could not be compared; trying again later");
        failed = true;
      }
      const took = clock.now() - begin;
      seldomAt = clock.now() + Math.max(took * seldomTimes, seldomMs);
      await clock.sleep(Math.min(took * restTimes, restMostMs), closing.signal);
    }
  }

  function clean(): void {
    again = true;
    running ??= work().finally(() => {
      running = undefined;
    });
  }

  return {
    clean,
    cleanNowAndThen() {
      if (clock.now() >= seldomAt) clean();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
