// What can be said of a Service at the moment it is written: that it selects nothing though something is named almost so, that
// no selected pod has the port it names. A Service may well come before its pods (`kubectl run --expose`, manifests in that
// order), so on create only what looks like a slip of the pen is spoken of.
import { concurrentContainers } from "../../../core/api/kinds/pod/sidecar.ts";
import type { PodSpec, Service } from "../../../core/api/types.ts";

/** A pod, or the template that pods will be made from. */
export interface Candidate {
  kind: "pod" | "template";
  labels: Readonly<Record<string, string>>;
  spec: PodSpec | undefined;
}

const isSelected = (selector: Readonly<Record<string, string>>, { labels }: Candidate): boolean =>
  Object.entries(selector).every(([k, v]) => Object.hasOwn(labels, k) && labels[k] === v);

/** Letters to insert, remove, replace, or swap with their neighbour; `limit` + 1 for any more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let older: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, older[j - 2]! + 1);
      row.push(best);
    }
    older = last;
    last = row;
  }
  return Math.min(last[b.length]!, limit + 1);
}

const withoutDigits = (text: string): string => text.replace(/[0-9]/g, "");

/** `web-v1` and `web-v2`, `db-a` and `db-b` are two things; `ngnix` and `nginx` are one. */
function isSlip(wanted: string, has: string): boolean {
  if (Math.min(wanted.length, has.length) < 5 || withoutDigits(wanted) === withoutDigits(has)) return false;
  // Variants differ in their last letters; a slip does not care where it happens.
  return wanted.at(-1) === has.at(-1) && editDistance(wanted, has, 1) === 1;
}

const isAlike = (wanted: string, has: string): boolean =>
  isSlip(wanted, has) || has.includes(wanted) || wanted.includes(has);

interface Miss {
  label: string;
  /** Of pods; 0 where only templates have it. */
  count: number;
}

/** A label of the selector that pods have with a value like the wanted one; the most frequent of them. */
function nearestMiss(
  selector: Readonly<Record<string, string>>,
  candidates: readonly Candidate[],
  alike: (wanted: string, has: string) => boolean,
): Miss | undefined {
  const found = new Map<string, number>();
  for (const [key, wanted] of Object.entries(selector))
    for (const { labels, kind } of candidates) {
      const has = Object.hasOwn(labels, key) ? labels[key]! : wanted;
      if (has !== wanted && alike(wanted, has)) {
        const label = `${key}=${has}`;
        found.set(label, (found.get(label) ?? 0) + (kind === "pod" ? 1 : 0));
      }
    }
  const [first] = [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return first && { label: first[0], count: first[1] };
}

const portsOf = (spec: PodSpec | undefined) => concurrentContainers(spec).flatMap((c) => c.ports ?? []);

function portWarnings(service: Service, selected: readonly Candidate[]): string[] {
  const ports = selected.flatMap((c) => portsOf(c.spec));
  return (service.spec?.ports ?? []).flatMap((port, i) => {
    const { targetPort, protocol = "TCP" } = port;
    if (typeof targetPort !== "string" || targetPort === "") return [];
    const named = ports.filter((p) => p.name && (p.protocol ?? "TCP") === protocol);
    if (named.some((p) => p.name === targetPort)) return [];
    const names = [...new Set(named.map((p) => p.name!))].sort();
    const have = names.length > 0 ? `they have ${names.join(", ")}` : "they name none";
    return [
      `spec.ports[${i}].targetPort: no selected pod has a ${protocol} port named ${JSON.stringify(targetPort)} (${have})`,
    ];
  });
}

/** Warnings about a new Service, or one whose selector or ports have changed. */
export function adviseService(
  service: Service,
  candidates: readonly Candidate[],
  operation: "CREATE" | "UPDATE",
): string[] {
  const selector = service.spec?.selector ?? {};
  if (service.spec?.type === "ExternalName" || Object.keys(selector).length === 0) return [];
  const selected = candidates.filter((c) => isSelected(selector, c));
  if (selected.length > 0) return portWarnings(service, selected);
  const miss = nearestMiss(selector, candidates, operation === "CREATE" ? isSlip : isAlike);
  if (!miss) return [];
  const text = Object.entries(selector)
    .map(([k, v]) => `${k}=${v}`)
    .join(",");
  const counted = miss.count === 1 ? "1 pod has" : `${miss.count} pods have`;
  const whose = miss.count === 0 ? "a pod template has" : counted;
  return [`spec.selector: no pod has ${text}; ${whose} ${miss.label}`];
}
