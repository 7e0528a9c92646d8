// What the API is told of one pod, and what it was told last.
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Pod, PodStatus } from "../../../core/api/types.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodCache } from "./cache.ts";
import { podStatus, type StatusInput } from "./status.ts";
import type { StatusWriter } from "./status-writer.ts";

/** What only the worker knows. */
export interface PodReportInput
  extends Pick<StatusInput, "state" | "waiting" | "ended" | "verdict" | "rejected"> {
  /** Milliseconds since the epoch. */
  started: number;
}

export interface PodReport {
  /** Told last; undefined: nothing yet by this process. */
  readonly status: PodStatus | undefined;
  /** When that was, in milliseconds since the epoch. */
  readonly at: number;
  /** The addresses that the pod has or had last. */
  readonly podIPs: readonly string[];
  /** Nothing of it will run any more, by what is known here or else by the API. */
  readonly isFinal: boolean;
  /** The pod with its status as known here. */
  view(): Pod;
  /** Works the status out and has it written; resolves when it is. */
  publish(input: PodReportInput): Promise<void>;
}

/** `pod`: as the API has it now; `removed`: it has it no more. */
export function createPodReport(
  { facts, now }: Pick<KubeletContext, "facts" | "now">,
  parts: { pod(): Pod; removed(): boolean; cache: PodCache; writer: StatusWriter },
): PodReport {
  const { pod, removed, cache, writer } = parts;
  let status: PodStatus | undefined;
  let at = 0;
  let podIPs: string[] = pod().status?.podIPs?.map((p) => p.ip!) ?? [];

  /** Own conditions as told last, others' (readiness gates) as the API has them. */
  function conditions(own: NonNullable<PodStatus["conditions"]>): NonNullable<PodStatus["conditions"]> {
    const types = new Set(own.map((c) => c.type));
    return [...own, ...(pod().status?.conditions ?? []).filter((c) => !types.has(c.type))];
  }

  const view = (): Pod =>
    status ? { ...pod(), status: { ...status, conditions: conditions(status.conditions ?? []) } } : pod();

  const isFinal = (): boolean => ["Succeeded", "Failed"].includes((status ?? pod().status)?.phase ?? "");

  return {
    get status() {
      return status;
    },
    get at() {
      return at;
    },
    get podIPs() {
      return podIPs;
    },
    get isFinal() {
      return isFinal();
    },
    view,
    publish({ started, ...input }) {
      // Of a pod that finished in an earlier life of this machine the API knows more than is known here.
      if (!status && isFinal() && cache.containers.length === 0) return Promise.resolve();
      if (cache.sandbox && cache.sandbox.ips.length > 0) podIPs = cache.sandbox.ips;
      at = now();
      status = podStatus({
        ...input,
        pod: view(),
        messages: cache.messages,
        hostIPs: facts.addresses,
        startTime: timestamp(started),
        podIPs,
        now: timestamp(at),
      });
      return removed() ? Promise.resolve() : writer.write(pod(), status);
    },
  };
}
