// Where a pod may run: tolerations, affinity, spread constraints (kubernetes pkg/apis/core/validation).
import type { FieldError } from "../../../status.ts";
import type { LabelSelector, NodeSelector, PodSpec, Toleration } from "../../../types.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  labelValue,
  notSupported,
  qualifiedName,
  required,
  validateLabelSelector,
} from "../../meta/mod.ts";

type Affinity = NonNullable<PodSpec["affinity"]>;
type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;
type NodeTerm = NodeSelector["nodeSelectorTerms"][number];
type NodeRequirement = NonNullable<NodeTerm["matchExpressions"]>[number];
type PodTerms = NonNullable<Affinity["podAffinity"]>;
type PodTerm = NonNullable<PodTerms["requiredDuringSchedulingIgnoredDuringExecution"]>[number];

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const labelName = (path: string, key: string | undefined): FieldError[] =>
  invalidEach(path, key ?? "", qualifiedName(key ?? ""));

export function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  return tolerations.flatMap((t, i) => {
    const here = `${path}[${i}]`;
    const operator = t.operator ?? "";
    const at = `${here}.operator`;
    const errors = t.key ? labelName(`${here}.key`, t.key) : [];
    if (!t.key && operator !== "Exists")
      errors.push(
        invalid(
          at,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (t.tolerationSeconds != null && t.effect !== "NoExecute")
      errors.push(
        invalid(
          `${here}.effect`,
          t.effect ?? "",
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    if (operator === "" || operator === "Equal") {
      const bad = labelValue(t.value ?? "");
      if (bad.length > 0) errors.push(invalid(at, t.value, bad.join(";")));
    } else if (operator === "Exists") {
      if (t.value) errors.push(invalid(at, t.value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(at, operator, ["Equal", "Exists"]));
    if (t.effect && !taintEffects.includes(t.effect))
      errors.push(notSupported(`${here}.effect`, t.effect, taintEffects));
    return errors;
  });
}

function validateNodeRequirement(r: NodeRequirement, path: string, checkValues: boolean): FieldError[] {
  const values = r.values ?? [];
  const at = `${path}.values`;
  const errors: FieldError[] = [];
  if (r.operator === "In" || r.operator === "NotIn") {
    if (values.length === 0)
      errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (r.operator === "Exists" || r.operator === "DoesNotExist") {
    if (values.length > 0)
      errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (r.operator === "Gt" || r.operator === "Lt") {
    if (values.length !== 1)
      errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(invalid(`${path}.operator`, r.operator ?? "", "not a valid selector operator"));
  errors.push(...labelName(`${path}.key`, r.key));
  if (checkValues)
    for (const [i, v] of values.entries()) errors.push(...invalidEach(`${at}[${i}]`, v, labelValue(v)));
  return errors;
}

function validateNodeField(r: NodeRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (r.operator === "In" || r.operator === "NotIn") {
    if ((r.values ?? []).length !== 1)
      errors.push(
        required(
          `${path}.values`,
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
      );
  } else errors.push(invalid(`${path}.operator`, r.operator ?? "", "not a valid selector operator"));
  if (r.key !== "metadata.name")
    return [...errors, invalid(`${path}.key`, r.key ?? "", "not a valid field selector key")];
  for (const [i, v] of (r.values ?? []).entries())
    errors.push(...invalidEach(`${path}.values[${i}]`, v, dns1123Subdomain(v)));
  return errors;
}

function validateNodeTerm(term: NodeTerm, path: string, checkValues: boolean): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((r, i) =>
      validateNodeRequirement(r, `${path}.matchExpressions[${i}]`, checkValues),
    ),
    ...(term.matchFields ?? []).flatMap((r, i) => validateNodeField(r, `${path}.matchFields[${i}]`)),
  ];
}

const weight = (path: string, value: number): FieldError[] =>
  value > 0 && value <= 100 ? [] : [invalid(`${path}.weight`, value ?? 0, "must be in the range 1-100")];

/** At least one term, each of which can be asked of a node. */
export function validateNodeSelector(s: NodeSelector, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`;
  const terms = s.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(at, "must have at least one node selector term")];
  return terms.flatMap((t, i) => validateNodeTerm(t, `${at}[${i}]`, true));
}

function validateNodeAffinity(a: NodeAffinity, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const must = a.requiredDuringSchedulingIgnoredDuringExecution;
  if (must)
    errors.push(...validateNodeSelector(must, `${path}.requiredDuringSchedulingIgnoredDuringExecution`));
  for (const [i, t] of (a.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const here = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    errors.push(
      ...weight(here, t.weight),
      ...validateNodeTerm(t.preference ?? {}, `${here}.preference`, false),
    );
  }
  return errors;
}

function validateLabelKeys(
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: string,
): FieldError[] {
  if ((keys ?? []).length === 0) return [];
  if (!selector) return [forbidden(path, "must not be specified when labelSelector is not set")];
  return keys!.flatMap((k, i) => labelName(`${path}[${i}]`, k));
}

/**
 * Keys that the selector had before the requirements of `matchLabelKeys` were merged into it. `at` is the path that
 * an index is put behind.
 */
function validateKeysOnce(
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  at: string,
): FieldError[] {
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  const errors: FieldError[] = [];
  for (const { key } of selector?.matchExpressions ?? []) {
    const i = keys?.lastIndexOf(key) ?? -1;
    if (i >= 0 && seen.has(key))
      errors.push(invalid(`${at}[${i}]`, key, "exists in both matchLabelKeys and labelSelector"));
    seen.add(key);
  }
  return errors;
}

function validatePodTerm(t: PodTerm, path: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(t.labelSelector, `${path}.labelSelector`),
    ...validateLabelSelector(t.namespaceSelector, `${path}.namespaceSelector`),
    ...(t.namespaces ?? []).flatMap((n) => invalidEach(`${path}.namespace`, n, dns1123Label(n))),
    ...validateLabelKeys(t.matchLabelKeys, t.labelSelector, `${path}.matchLabelKeys`),
    ...validateLabelKeys(t.mismatchLabelKeys, t.labelSelector, `${path}.mismatchLabelKeys`),
    // Kubernetes puts the index behind the term, not behind its matchLabelKeys.
    ...validateKeysOnce(t.matchLabelKeys, t.labelSelector, path),
  ];
  for (const [i, k] of (t.matchLabelKeys ?? []).entries())
    if (t.mismatchLabelKeys?.includes(k))
      errors.push(
        invalid(`${path}.matchLabelKeys[${i}]`, k, "exists in both matchLabelKeys and mismatchLabelKeys"),
      );
  if (!t.topologyKey) errors.push(required(`${path}.topologyKey`, "can not be empty"));
  return [...errors, ...labelName(`${path}.topologyKey`, t.topologyKey)];
}

function validatePodTerms(a: PodTerms, path: string): FieldError[] {
  return [
    ...(a.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((t, i) =>
      validatePodTerm(t, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`),
    ),
    ...(a.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((t, i) => {
      const here = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      return [
        ...weight(here, t.weight),
        ...validatePodTerm(t.podAffinityTerm ?? { topologyKey: "" }, `${here}.podAffinityTerm`),
      ];
    }),
  ];
}

export function validateAffinity(a: Affinity | null | undefined, path: string): FieldError[] {
  if (a == null) return [];
  return [
    ...(a.nodeAffinity ? validateNodeAffinity(a.nodeAffinity, `${path}.nodeAffinity`) : []),
    ...(a.podAffinity ? validatePodTerms(a.podAffinity, `${path}.podAffinity`) : []),
    ...(a.podAntiAffinity ? validatePodTerms(a.podAntiAffinity, `${path}.podAntiAffinity`) : []),
  ];
}

type Spread = NonNullable<PodSpec["topologySpreadConstraints"]>[number];
const actions = ["DoNotSchedule", "ScheduleAnyway"];
const nodePolicies = ["Honor", "Ignore"];

function validateMinDomains(c: Spread, path: string): FieldError[] {
  if (c.minDomains == null) return [];
  const errors = c.minDomains <= 0 ? [invalid(path, c.minDomains, "must be greater than zero")] : [];
  if (c.whenUnsatisfiable !== "DoNotSchedule")
    errors.push(
      invalid(
        path,
        c.minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${c.whenUnsatisfiable}`,
      ),
    );
  return errors;
}

export function validateSpread(constraints: readonly Spread[], path: string): FieldError[] {
  return constraints.flatMap((c, i) => {
    const here = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!(c.maxSkew > 0))
      errors.push(invalid(`${here}.maxSkew`, c.maxSkew ?? 0, "must be greater than zero"));
    if (!c.topologyKey) errors.push(required(`${here}.topologyKey`, "can not be empty"));
    if (!actions.includes(c.whenUnsatisfiable))
      errors.push(notSupported(`${here}.whenUnsatisfiable`, c.whenUnsatisfiable, actions));
    const same = (o: Spread) =>
      o.topologyKey === c.topologyKey && o.whenUnsatisfiable === c.whenUnsatisfiable;
    if (constraints.slice(i + 1).some(same))
      errors.push(
        duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${c.topologyKey}, ${c.whenUnsatisfiable}}`),
      );
    errors.push(...validateMinDomains(c, `${here}.minDomains`));
    for (const key of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const)
      if (c[key] != null && !nodePolicies.includes(c[key]!))
        errors.push(notSupported(`${here}.${key}`, c[key], nodePolicies));
    return [
      ...errors,
      ...validateLabelKeys(c.matchLabelKeys, c.labelSelector, `${here}.matchLabelKeys`),
      ...validateKeysOnce(c.matchLabelKeys, c.labelSelector, `${here}.matchLabelKeys`),
      ...validateLabelSelector(c.labelSelector, `${here}.labelSelector`),
    ];
  });
}
