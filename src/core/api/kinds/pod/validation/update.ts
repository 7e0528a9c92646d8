// What may change of a pod once it exists (kubernetes pkg/apis/core/validation ValidatePodUpdate,
// ValidatePodEphemeralContainersUpdate); resizes are in resize.ts.

import type { FieldError } from "../../../status.ts";
import type { Container, Pod, PodSpec, Toleration } from "../../../types.ts";
import { forbidden, inRange, invalid, invalidEach, required, semanticEqual, WHOLE } from "../../meta/mod.ts";
import { MIRROR, validatePodParts } from "./pod.ts";
import { validateTolerations } from "./scheduling.ts";
import { specDifference } from "./spec-difference.ts";

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

function validateAnnotationsKept(pod: Pod, old: Pod): FieldError[] {
  const [now, was] = [pod.metadata.annotations?.[MIRROR], old.metadata.annotations?.[MIRROR]];
  if (now === was) return [];
  const change =
    was === undefined
      ? "may not add mirror pod annotation"
      : "may not remove or update mirror pod annotation";
  return [forbidden(`metadata.annotations[${MIRROR}]`, change)];
}

function validateImages(
  now: readonly Container[],
  was: readonly Container[],
  path: string,
): FieldError[] | "stop" {
  if (now.length !== was.length) return "stop";
  return now.flatMap((c, i) => (c.image ? [] : [required(`${path}[${i}].image`)]));
}

function validateAddedTolerations(now: readonly Toleration[], was: readonly Toleration[]): FieldError[] {
  const path = "spec.tolerations";
  const kept = was.every((old) =>
    now.some((t) =>
      semanticEqual({ ...old, tolerationSeconds: undefined }, { ...t, tolerationSeconds: undefined }),
    ),
  );
  if (!kept) return [forbidden(path, "existing toleration can not be modified except its tolerationSeconds")];
  return validateTolerations(now, path);
}

function validateGates(now: PodSpec, was: PodSpec): FieldError[] {
  const had = new Set((was.schedulingGates ?? []).map((g) => g.name));
  return (now.schedulingGates ?? []).flatMap((g, i) =>
    had.has(g.name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${i}].name`,
            `only deletion is allowed, but found new scheduling gate '${g.name}'`,
          ),
        ],
  );
}

const MAX_SECONDS = 2147483647;

function validateDeadline(now: PodSpec, was: PodSpec): { errors: FieldError[]; stop: boolean } {
  const path = "spec.activeDeadlineSeconds";
  const [n, w] = [now.activeDeadlineSeconds, was.activeDeadlineSeconds];
  if (n == null)
    return {
      errors: w == null ? [] : [invalid(path, null, "must not update from a positive integer to nil value")],
      stop: false,
    };
  const range = inRange(n, 0, MAX_SECONDS);
  if (range.length > 0) return { errors: invalidEach(path, n, range), stop: true };
  if (w != null && w < n)
    return { errors: [invalid(path, n, "must be less than or equal to previous value")], stop: true };
  return { errors: [], stop: false };
}

/** A gated pod's nodeSelector and node affinity may be narrowed: the scheduler has not looked at it yet. */
function allowNarrowing(munged: PodSpec, was: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const selector = munged.nodeSelector ?? {};
  if (Object.entries(was.nodeSelector ?? {}).some(([k, v]) => selector[k] !== v))
    errors.push(
      invalid(
        "spec.nodeSelector",
        selector,
        "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
      ),
    );
  take(munged, was, "nodeSelector");
  const required = (s: PodSpec) =>
    s.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [now, before] = [required(munged), required(was)];
  const at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  if (before.length > 0 && now.length !== before.length)
    errors.push(invalid(at, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed"));
  else
    for (const [i, old] of before.entries()) {
      const adds = (["matchExpressions", "matchFields"] as const).every((k) =>
        semanticEqual((now[i]![k] ?? []).slice(0, (old[k] ?? []).length), old[k] ?? []),
      );
      if (!adds)
        errors.push(invalid(`${at}[${i}]`, now[i], "only additions are allowed (no mutations or deletions)"));
    }
  const { nodeAffinity: _n, ...others } = munged.affinity ?? {};
  const old = was.affinity?.nodeAffinity;
  munged.affinity = { ...others, ...(old ? { nodeAffinity: old } : {}) };
  return errors;
}

function take<K extends keyof PodSpec>(into: PodSpec, from: PodSpec, key: K): void {
  if (from[key] === undefined) delete into[key];
  else into[key] = from[key];
}

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = [...validatePodParts(pod), ...validateAnnotationsKept(pod, old)];
  const now = pod.spec ?? { containers: [] };
  const was = old.spec ?? { containers: [] };
  for (const list of ["containers", "initContainers"] as const) {
    const images = validateImages(now[list] ?? [], was[list] ?? [], `spec.${list}`);
    if (images === "stop")
      return [...errors, forbidden(`spec.${list}`, "pod updates may not add or remove containers")];
    errors.push(...images);
  }
  const deadline = validateDeadline(now, was);
  errors.push(...deadline.errors);
  if (deadline.stop) return errors;
  errors.push(
    ...validateAddedTolerations(now.tolerations ?? [], was.tolerations ?? []),
    ...validateGates(now, was),
  );
  if (semanticEqual(now, was)) return errors;

  const munged = structuredClone(now);
  for (const list of ["containers", "initContainers"] as const)
    for (const [i, c] of (munged[list] ?? []).entries()) {
      const image = was[list]?.[i]?.image;
      if (image !== undefined) c.image = image;
    }
  for (const key of ["activeDeadlineSeconds", "schedulingGates", "tolerations"] as const)
    take(munged, was, key);
  if ((was.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1)
    take(munged, was, "terminationGracePeriodSeconds");
  if ((was.schedulingGates ?? []).length > 0) errors.push(...allowNarrowing(munged, was));
  if (!semanticEqual(munged, was))
    errors.push(
      forbidden(
        "spec",
        `pod updates may not change fields other than ${updatable}\n${specDifference(was, munged)}`,
      ),
    );
  return errors;
}

export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR] !== undefined)
    return [forbidden(WHOLE, "static pods do not support ephemeral containers")];
  const path = "spec.ephemeralContainers";
  const now = new Map((pod.spec?.ephemeralContainers ?? []).map((c) => [c.name, c]));
  const errors = validatePodParts(pod);
  for (const c of old.spec?.ephemeralContainers ?? []) {
    const name = JSON.stringify(c.name);
    const kept = now.get(c.name);
    if (!kept) errors.push(forbidden(path, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!semanticEqual(kept, c))
      errors.push(
        forbidden(
          path,
          `existing ephemeral containers ${name} may not be changed\n${specDifference(c, kept, "core.EphemeralContainer")}`,
        ),
      );
  }
  return errors;
}
