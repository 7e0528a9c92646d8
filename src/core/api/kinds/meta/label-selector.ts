// Label selectors in specs (apimachinery apis/meta/v1/validation).
import type { FieldError } from "../../status.ts";
import type { LabelSelector } from "../../types.ts";
import { at, child, forbidden, invalid, invalidEach, required } from "./field.ts";
import { labelValue, qualifiedName } from "./names.ts";
import { validateLabels } from "./object-meta.ts";

export function validateLabelSelector(
  selector: LabelSelector | null | undefined,
  path: string,
): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, child(path, "matchLabels"));
  for (const [i, e] of (selector.matchExpressions ?? []).entries()) {
    const here = at(child(path, "matchExpressions"), i);
    const values = e.values ?? [];
    if (e.operator === "In" || e.operator === "NotIn") {
      if (values.length === 0)
        errors.push(required(child(here, "values"), "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (e.operator === "Exists" || e.operator === "DoesNotExist") {
      if (values.length > 0)
        errors.push(
          forbidden(
            child(here, "values"),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
    } else errors.push(invalid(child(here, "operator"), e.operator ?? "", "not a valid selector operator"));
    errors.push(...invalidEach(child(here, "key"), e.key ?? "", qualifiedName(e.key ?? "")));
    for (const [j, v] of values.entries())
      errors.push(...invalidEach(at(child(here, "values"), j), v, labelValue(v)));
  }
  return errors;
}

/** True when the selector selects everything. */
export const isEmptySelector = (s: LabelSelector): boolean =>
  Object.keys(s.matchLabels ?? {}).length + (s.matchExpressions ?? []).length === 0;
