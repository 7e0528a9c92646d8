// Which labels come nearest to a selector that matches nothing: a value spelt almost so, the same value under another key,
// some of the labels but not all.
import type { PodSpec } from "../api/types.ts";
import { editDistance } from "./edit-distance.ts";

export type Labels = Readonly<Record<string, string>>;

/** A pod, or the template that pods will be made from. */
export interface Candidate {
  readonly kind: "pod" | "template";
  readonly labels: Labels;
  readonly spec: PodSpec | undefined;
}

export interface Miss {
  /** The labels as they are written in a selector, e.g. `app=nginx-svc`. */
  readonly labels: string;
  /** Of pods; 0 where only templates have them. */
  readonly pods: number;
}

const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

export const matchesLabels = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([k, v]) => labelOf(labels, k) === v);

export const printLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([k, v]) => `${k}=${v}`)
    .join(",");

/** One is a part of the other, or few letters differ. */
export function isAlike(wanted: string, has: string): boolean {
  const [a, b] = [wanted.toLowerCase(), has.toLowerCase()];
  const shorter = Math.min(a.length, b.length);
  if (a === b) return true;
  if (shorter < 3) return false;
  return a.includes(b) || b.includes(a) || editDistance(a, b, 2) <= (shorter < 8 ? 1 : 2);
}

/** How near one label of the selector is, and how the label is shown that is there instead. */
function compareLabel(key: string, wanted: string, labels: Labels): { near: number; shown: string } {
  const has = labelOf(labels, key);
  if (has === wanted) return { near: 4, shown: `${key}=${has}` };
  if (has !== undefined) return { near: isAlike(wanted, has) ? 3 : 0, shown: `${key}=${has}` };
  const [other] = Object.entries(labels).find(([, v]) => v === wanted) ?? [];
  if (other !== undefined) return { near: 2, shown: `${other}=${wanted}` };
  return { near: 0, shown: `no ${key}` };
}

/** The labels that most of the nearest candidates have; undefined when none is near. None of them matches the selector. */
export function nearestMiss(selector: Labels, candidates: readonly Candidate[]): Miss | undefined {
  const wanted = Object.entries(selector);
  const found = new Map<string, { near: number; pods: number }>();
  for (const { labels, kind } of candidates) {
    const parts = wanted.map(([k, v]) => compareLabel(k, v, labels));
    const near = parts.reduce((sum, p) => sum + p.near, 0);
    if (near === 0) continue;
    const shown = parts.map((p) => p.shown).join(",");
    const entry = found.get(shown) ?? { near, pods: 0 };
    found.set(shown, { near, pods: entry.pods + (kind === "pod" ? 1 : 0) });
  }
  const [first] = [...found].sort(([a, x], [b, y]) => y.near - x.near || y.pods - x.pods || (a < b ? -1 : 1));
  return first && { labels: first[0], pods: first[1].pods };
}
