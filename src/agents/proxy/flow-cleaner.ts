// Removes UDP flows that contradict the plan, beside the transactions and never in their way: one comparison at a time, one
// more when something changed meanwhile.
import {
  hasUdp,
  type NodeFacts,
  type ServicePlan,
  type ServiceRouting,
  staleFlows,
} from "../../core/network/mod.ts";
import type { Conntrack, Log } from "./ports.ts";

export interface FlowCleaner {
  /** Remembers what a Service no longer answers: flows to it are stale though no table names it any more. */
  replaced(before: ServiceRouting | undefined, after: ServiceRouting | undefined, facts: NodeFacts): void;
  /** Compares soon; never waits. */
  clean(): void;
  /** Resolves when no comparison runs. */
  idle(): Promise<void>;
}

/** Dialled addresses that are remembered at most; the oldest goes first. */
const retiredLimit = 65_536;

function* dialled(service: ServiceRouting | undefined, facts: NodeFacts): Generator<string> {
  for (const port of service?.ports ?? [])
    if (port.protocol === "udp")
      for (const f of port.frontends)
        for (const address of f.address === undefined ? facts.nodeAddresses : [f.address])
          yield `${address} . ${f.port}`;
}

export function createFlowCleaner(
  { conntrack, log }: { conntrack: Conntrack; log: Log },
  plan: () => ServicePlan | undefined,
): FlowCleaner {
  const retired = new Set<string>();
  let again = false;
  let running: Promise<void> | undefined;
  let failed = false;
  /** Some Service has, or had when last cleaned, a UDP port. */
  let udpSeen = false;

  async function cleanOnce(): Promise<void> {
    const now = plan();
    if (!now) return;
    let udp = retired.size > 0;
    for (const s of now.services()) {
      if (udp) break;
      udp = hasUdp(s);
    }
    if (!udp && !udpSeen) return;
    udpSeen = udp;
    const { family } = now.facts;
    const gone = new Set(retired);
    const stale = staleFlows(await conntrack.udpFlows(family), now.services(), now.facts, gone);
    // The tables may have changed while the flows were read: judge what is about to go once more.
    const still = stale.length === 0 ? stale : staleFlows(stale, now.services(), now.facts, gone);
    if (still.length > 0) await conntrack.remove(family, still);
    for (const key of gone) retired.delete(key);
  }

  async function work(): Promise<void> {
    while (again) {
      again = false;
      try {
        await cleanOnce();
        failed = false;
      } catch (error) {
        if (!failed)
          log.warn({ error: String(error) }, "UDP flows could not be compared; trying again later");
        failed = true;
      }
    }
  }

  return {
    replaced(before, after, facts) {
      for (const key of dialled(before, facts)) retired.add(key);
      for (const key of dialled(after, facts)) retired.delete(key);
      for (const key of retired) {
        if (retired.size <= retiredLimit) break;
        retired.delete(key);
      }
    },
    clean() {
      again = true;
      running ??= work().finally(() => {
        running = undefined;
      });
    },
    async idle() {
      await running;
    },
  };
}
