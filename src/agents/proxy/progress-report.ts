// Tells the API how far this node's kernel is, on a Lease of the proxy's own: soon after changes that concern it, late for
// what it only read, and now and then while nothing happens, so that a Lease that somebody deleted comes back.
import type { KubeClient } from "../../control/client/mod.ts";
import { leases } from "../../core/api/refs.ts";
import { isNotFound } from "../../core/api/status.ts";
import type { Lease, Node } from "../../core/api/types.ts";
import {
  type Progress,
  printProgress,
  progressLeaseName,
  progressNamespace,
} from "../../core/network/mod.ts";
import type { Clock, Log } from "./ports.ts";

export interface ProgressReportOptions {
  client: KubeClient;
  nodeName: string;
  clock: Clock;
  log: Log;
  /** The progress now; undefined before the first whole table. */
  progress(): Progress | undefined;
  /** The node's object, once it is known: the Lease goes with it. */
  node(): Node | undefined;
}

export interface ProgressReport {
  /** The kernel follows further. */
  programmed(): void;
  /** Changes came that the kernel does not care for. */
  read(): void;
  /** Reports until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Between two reports; longer and longer while one follows the other. */
const restMs = 50;
const longestRestMs = 400;
/** Until what was only read is told. */
const lazyMs = 2000;
/** Until a report is repeated. */
const repeatMs = 60_000;

export function createProgressReport(options: ProgressReportOptions): ProgressReport {
  const { client, nodeName, clock, log } = options;
  const name = progressLeaseName(nodeName);
  let told: Progress | undefined;
  let due = Number.POSITIVE_INFINITY;
  let wake: (() => void) | undefined;

  function demand(at: number): void {
    if (at >= due) return;
    due = at;
    wake?.();
  }

  async function write(progress: Progress): Promise<void> {
    const renewTime = new Date(clock.wall()).toISOString().replace("Z", "000Z");
    const annotations = printProgress(progress);
    const spec = { holderIdentity: nodeName, renewTime };
    const uid = options.node()?.metadata.uid;
    const owner = uid ? { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] } : {};
    const at = { namespace: progressNamespace, fieldManager: "portolan-proxy" };
    try {
      await client.patch(
        leases,
        name,
        { metadata: { annotations, ...owner }, spec },
        { ...at, type: "merge" },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const metadata = { name, namespace: progressNamespace, annotations, ...owner };
      const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
      await client.create(leases, lease, at);
    }
  }

  /** Resolves at the time that something is due, which may be brought forward. */
  async function waitUntilDue(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && clock.now() < due) {
      const sooner = new AbortController();
      const end = (): void => sooner.abort();
      wake = end;
      signal.addEventListener("abort", end, { once: true });
      await clock.sleep(Math.min(due - clock.now(), repeatMs), sooner.signal);
      signal.removeEventListener("abort", end);
    }
    wake = undefined;
  }

  return {
    programmed() {
      const now = options.progress();
      if (now && (now.services !== told?.services || now.slices !== told.slices)) demand(clock.now());
    },
    read: () => demand(clock.now() + lazyMs),
    async run(signal) {
      let failures = 0;
      let rest = restMs;
      while (!signal.aborted) {
        await waitUntilDue(signal);
        if (signal.aborted) return;
        due = Number.POSITIVE_INFINITY;
        const progress = options.progress();
        try {
          if (progress) await write(progress);
          told = progress;
          failures = 0;
          demand(clock.now() + repeatMs);
        } catch (error) {
          if (failures++ === 0)
            log.warn({ error: String(error), told }, "could not tell how far the service table is");
          demand(clock.now() + Math.min(250 * 2 ** failures, 5000));
        }
        await clock.sleep(rest, signal);
        rest = clock.now() >= due ? Math.min(rest * 2, longestRestMs) : restMs;
      }
    },
  };
}
