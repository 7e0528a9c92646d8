// The object form of a label selector (metav1.LabelSelector): what it matches and how it is printed.
import type { LabelSelector } from "../types.ts";
import { type Labels, printRequirement, type Requirement, requirementMatches } from "./requirement.ts";

const operators = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" } as const;

/** The requirements of a LabelSelector, sorted by key; undefined where an operator is not one of the four. */
function labelSelectorRequirements(selector: LabelSelector): Requirement[] | undefined {
  const out: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    out.push({ key, operator: "=", values: [value] });
  for (const e of selector.matchExpressions ?? []) {
    if (!Object.hasOwn(operators, e.operator)) return undefined;
    const operator = operators[e.operator as keyof typeof operators];
    out.push({ key: e.key, operator, values: [...new Set(e.values ?? [])].sort() });
  }
  return out.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** A missing selector matches nothing, an empty one everything (metav1.LabelSelectorAsSelector). */
export function labelSelectorMatches(
  selector: LabelSelector | null | undefined,
  labels: Labels | undefined,
): boolean {
  if (!selector) return false;
  for (const key in selector.matchLabels ?? {}) {
    if (!labels || !Object.hasOwn(labels, key) || labels[key] !== selector.matchLabels![key]) return false;
  }
  for (const e of selector.matchExpressions ?? []) {
    if (!Object.hasOwn(operators, e.operator)) return false;
    const operator = operators[e.operator as keyof typeof operators];
    if (!requirementMatches({ key: e.key, operator, values: e.values ?? [] }, labels)) return false;
  }
  return true;
}

export function requirementsMatch(rs: readonly Requirement[], labels: Labels | undefined): boolean {
  for (const r of rs) if (!requirementMatches(r, labels)) return false;
  return true;
}

/** `a=b,c in (x,y)`: the text that labels.Parse reads back; "" for none. */
export function printRequirements(rs: readonly Requirement[]): string {
  return rs.map(printRequirement).join(",");
}

/** As Table columns and `describe` show a selector (metav1.FormatLabelSelector). */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  if (!selector) return "<none>";
  const rs = labelSelectorRequirements(selector);
  return rs ? printRequirements(rs) || "<none>" : "<error>";
}

/** As Table columns show a plain map selector, such as a Service's (labels.FormatLabels): `a=b,c=d` or `<none>`. */
export function formatLabels(labels: Labels | null | undefined): string {
  const text = Object.keys(labels ?? {})
    .sort()
    .map((k) => `${k}=${labels![k]}`)
    .join(",");
  return text === "" ? "<none>" : text;
}
