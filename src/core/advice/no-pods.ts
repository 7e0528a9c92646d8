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

const counted = (n: number, where = ""): string => (n === 1 ? `1 pod${where} has` : `${n} pods${where} have`);

export function noPodsSelected(service: Service, around: Surroundings): Finding {
  const selector = service.spec?.selector ?? {};
  const wanted = printLabels(selector);
  const finding = { reason: "NoPodsSelected", severity: "error" } as const;
  const miss = nearestMiss(selector, around.candidates);
  if (miss) {
    const whose = miss.pods === 0 ? "a pod template has" : counted(miss.pods);
    return { ...finding, message: `spec.selector: no pod has ${wanted}; ${whose} ${miss.labels}` };
  }
  const [other] = around.elsewhere;
  if (!other) return { ...finding, message: `spec.selector: no pod has ${wanted} yet`, mild: true };
  const { namespace } = service.metadata;
  const have = counted(other.pods, ` in namespace ${other.namespace}`);
  return {
    ...finding,
    message: `spec.selector: no pod in namespace ${namespace} has ${wanted}; ${have}`,
    mild: true,
  };
}
