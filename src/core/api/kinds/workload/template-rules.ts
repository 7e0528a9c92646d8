// Rules that every kind with a template and a selector has (kubernetes pkg/apis/apps/validation).
import { labelSelectorMatches } from "../../selector/mod.ts";
import type { FieldError } from "../../status.ts";
import type { LabelSelector, PodTemplateSpec } from "../../types.ts";
import {
  dns1123Label,
  forbidden,
  invalid,
  isEmptySelector,
  notNegative,
  notSupported,
  required,
  validateLabelSelector,
} from "../meta/mod.ts";
import { podWarnings, setPodSpecDefaults, validateTemplate } from "../pod/mod.ts";

export function setTemplateDefaults(t: PodTemplateSpec | null | undefined): void {
  if (!t) return;
  t.metadata ??= {};
  t.spec ??= { containers: [] };
  setPodSpecDefaults(t.spec);
}

/** The selector of an apps/v1 kind; it may not select everything. */
export function validateSelector(
  selector: LabelSelector | null | undefined,
  path: string,
  what = "deployment",
): FieldError[] {
  if (selector == null) return [required(path)];
  const errors = validateLabelSelector(selector, path);
  if (isEmptySelector(selector))
    errors.push(invalid(path, selector, `empty selector is invalid for ${what}`));
  return errors;
}

/** A template whose pods run until they are deleted, and are found by the selector. `kind` is for the message. */
export function validateRunningTemplate(
  template: PodTemplateSpec | null | undefined,
  selector: LabelSelector | null | undefined,
  options: { kind: string; path?: string },
): FieldError[] {
  const path = options.path ?? "spec.template";
  if (template == null) return [required(path)];
  const labels = template.metadata?.labels;
  const errors: FieldError[] = [];
  if (selector && !isEmptySelector(selector) && !labelSelectorMatches(selector, labels))
    errors.push(
      invalid(`${path}.metadata.labels`, labels ?? null, "`selector` does not match template `labels`"),
    );
  errors.push(...validateTemplate(template, path));
  const policy = template.spec?.restartPolicy;
  if (policy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, policy, ["Always"]));
  if (template.spec?.activeDeadlineSeconds != null)
    errors.push(
      forbidden(
        `${path}.spec.activeDeadlineSeconds`,
        `activeDeadlineSeconds in ${options.kind} is not Supported`,
      ),
    );
  return errors;
}

interface CountedStatus {
  replicas?: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  observedGeneration?: number;
}

const counts = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
] as const;

/** Status of a ReplicaSet or ReplicationController: no count exceeds what it is part of. */
export function validateCountedStatus(s: CountedStatus | undefined): FieldError[] {
  const status = s ?? {};
  const errors = counts.flatMap((k) => notNegative(`status.${k}`, status[k]));
  for (const k of ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const)
    if ((status[k] ?? 0) > (status.replicas ?? 0))
      errors.push(invalid(`status.${k}`, status[k], "cannot be greater than status.replicas"));
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0))
    errors.push(
      invalid("status.availableReplicas", status.availableReplicas, "cannot be greater than readyReplicas"),
    );
  return errors;
}

/** Warnings about a workload: its name becomes part of host names, and its template is a pod's. */
export function workloadWarnings(
  name: string | undefined,
  template: PodTemplateSpec | undefined,
  isNew: boolean,
): string[] {
  const bad = isNew ? dns1123Label(name ?? "") : [];
  const warnings =
    bad.length > 0
      ? [
          `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${bad.join(" ")}]`,
        ]
      : [];
  if (template?.spec) warnings.push(...podWarnings(template.spec, template.metadata ?? {}, "spec.template"));
  return warnings;
}
