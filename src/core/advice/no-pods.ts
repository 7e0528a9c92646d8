// The selector matches no pod. A Service may well come before its pods, so where nothing is named almost so the word is mild.
import type { Service } from "../api/types.ts";
import type { Finding } from "./finding.ts";
import { type Candidate, nearestMiss, printLabels } from "./nearest-miss.ts";

/** What there is besides; gathered only for a Service that selects nothing. */
export interface Surroundings {
  /** Pods and templates of its namespace. */
  readonly candidates: readonly Candidate[];
  /** Namespaces in which pods match the selector, and how many. */
  readonly elsewhere: readonly { readonly namespace: string; readonly pods: number }[];
}

const counted = (n: number, what: string): string => (n === 1 ? `1 ${what} has` : `${n} ${what}s have`);

export function noPodsSelected(service: Service, around: Surroundings): Finding {
  const selector = service.spec?.selector ?? {};
  const wanted = printLabels(selector);
  const miss = nearestMiss(selector, around.candidates);
  let message = `spec.selector: no pod has ${wanted} yet`;
  if (miss) {
    const whose = miss.pods === 0 ? "a pod template has" : counted(miss.pods, "pod");
    message = `spec.selector: no pod has ${wanted}; ${whose} ${miss.labels}`;
  } else if (around.elsewhere[0]) {
    const { namespace, pods } = around.elsewhere[0];
    const whose =
      pods === 1 ? `1 pod in namespace ${namespace} has` : `${pods} pods in namespace ${namespace} have`;
    message = `spec.selector: no pod in namespace ${service.metadata.namespace} has ${wanted}; ${whose}`;
  }
  return { reason: "NoPodsSelected", severity: "error", message };
}

/** Nothing is near: the pods may just not be there yet. */
export const isMild = (f: Finding): boolean => f.reason === "NoPodsSelected" && f.message.endsWith(" yet");
