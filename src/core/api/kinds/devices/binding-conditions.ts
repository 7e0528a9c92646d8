// Conditions that a claim waits for before its pod is bound, and those that end the wait: both or none.
import type { FieldError } from "../../status.ts";
import { duplicate, invalid, invalidEach, qualifiedName } from "../meta/mod.ts";
import { validateList } from "./lists.ts";

const maxConditions = 4;

interface Conditions {
  bindingConditions?: string[];
  bindingFailureConditions?: string[];
}

export function validateBindingConditions(o: Conditions, path: string): FieldError[] {
  const [good, bad] = [o.bindingConditions ?? [], o.bindingFailureConditions ?? []];
  const [goodPath, badPath] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  const rules = {
    max: maxConditions,
    item: (c: string, at: string) => invalidEach(at, c, qualifiedName(c)),
  };
  const twice = (list: readonly string[], at: string): FieldError[] =>
    list.flatMap((c, i) => (list.indexOf(c) < i ? [duplicate(`${at}[${i}]`, c)] : []));
  const errors = [
    ...validateList(good, goodPath, rules),
    ...validateList(bad, badPath, rules),
    ...twice(good, goodPath),
    ...twice(bad, badPath),
    ...bad.flatMap((c, i) =>
      good.includes(c)
        ? [invalid(`${badPath}[${i}]`, c, "bindingFailureConditions must not overlap with bindingConditions")]
        : [],
    ),
  ];
  if (good.length === 0 && bad.length > 0)
    errors.push(
      invalid(
        goodPath,
        o.bindingConditions,
        "bindingConditions are required to use bindingFailureConditions",
      ),
    );
  if (bad.length === 0 && good.length > 0)
    errors.push(
      invalid(
        badPath,
        o.bindingFailureConditions,
        "bindingFailureConditions are required to use bindingConditions",
      ),
    );
  return errors;
}
