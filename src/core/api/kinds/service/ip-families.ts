// IP families of a Service: what is not said is inferred, what the cluster does not have is refused
// (kubernetes pkg/registry/core/service/storage/alloc.go initIPFamilyFields; KEP-563).
import { familyOf, type IPFamily, otherFamily } from "../../../net/mod.ts";
import type { FieldError } from "../../status.ts";
import type { Service } from "../../types.ts";
import { invalid, semanticEqual } from "../meta/mod.ts";
import { isHeadless } from "./needs.ts";
import { validateClusterIPFields } from "./validate-cluster-ips.ts";

const withOther = ([first]: readonly string[]): string[] => [first!, otherFamily(first as IPFamily)];
const POLICY = "spec.ipFamilyPolicy";

/** True when an update of a PreferDualStack Service touches none of these fields: then nothing is upgraded or downgraded. */
function untouchedPreferDualStack(s: Service, old: Service | undefined): boolean {
  const now = s.spec!;
  const was = old?.spec;
  return (
    was?.type === now.type &&
    now.ipFamilyPolicy === "PreferDualStack" &&
    was?.ipFamilyPolicy === "PreferDualStack" &&
    semanticEqual(now.clusterIPs, was.clusterIPs) &&
    semanticEqual(now.ipFamilies, was.ipFamilies)
  );
}

function defaultPolicy(s: Service, old: Service | undefined): string {
  if (old?.spec?.ipFamilyPolicy) return old.spec.ipFamilyPolicy;
  const selectorless = Object.keys(s.spec?.selector ?? {}).length === 0;
  return s.spec?.clusterIP === "None" && selectorless ? "RequireDualStack" : "SingleStack";
}

function downgrade(s: Service, old: Service): FieldError[] {
  const spec = s.spec!;
  const was = old.spec ?? {};
  if (spec.ipFamilyPolicy === "SingleStack") {
    if (semanticEqual(spec.clusterIPs, was.clusterIPs) && (spec.clusterIPs ?? []).length > 1)
      spec.clusterIPs = spec.clusterIPs!.slice(0, 1);
    if (semanticEqual(spec.ipFamilies, was.ipFamilies) && (spec.ipFamilies ?? []).length > 1)
      spec.ipFamilies = spec.ipFamilies!.slice(0, 1);
    return [];
  }
  const fewer = (a: string[] | undefined, b: string[] | undefined) =>
    (a ?? []).length > 0 && (a ?? []).length < (b ?? []).length;
  const errors: FieldError[] = [];
  if (fewer(spec.clusterIPs, was.clusterIPs))
    errors.push(
      invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"),
    );
  if (fewer(spec.ipFamilies, was.ipFamilies))
    errors.push(
      invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"),
    );
  return errors;
}

/** Adds the family of each given address that `ipFamilies` does not cover. */
function inferFamilies(s: Service, configured: readonly IPFamily[]): FieldError[] {
  const spec = s.spec!;
  const errors: FieldError[] = [];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === "None") break;
    if (i < (spec.ipFamilies ?? []).length) continue;
    const family = familyOf(ip);
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(
        invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`),
      );
  }
  return errors;
}

function settle(s: Service, old: Service | undefined, configured: readonly IPFamily[]): FieldError[] {
  const spec = s.spec!;
  spec.ipFamilyPolicy ||= defaultPolicy(s, old);
  const loose = validateClusterIPFields(s, old);
  if (loose.length > 0) return loose;
  const errors = old ? downgrade(s, old) : [];
  const multiple = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  if (spec.ipFamilyPolicy === "SingleStack") {
    if (spec.clusterIPs?.length === 2)
      errors.push(invalid(POLICY, spec.ipFamilyPolicy, `${multiple} cluster IPs are specified`));
    if (spec.ipFamilies?.length === 2)
      errors.push(invalid(POLICY, spec.ipFamilyPolicy, `${multiple} IP families are specified`));
  }
  errors.push(...inferFamilies(s, configured));
  if (errors.length > 0) return errors;

  const families = spec.ipFamilies ?? [];
  if (isHeadless(s) && Object.keys(spec.selector ?? {}).length === 0) {
    // Whoever writes the endpoints decides: both families are allowed whatever the cluster has.
    spec.ipFamilies = families.length > 0 ? families : [configured[0]!];
    if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== "SingleStack")
      spec.ipFamilies = withOther(spec.ipFamilies);
    return [];
  }
  if (spec.ipFamilyPolicy === "RequireDualStack" && configured.length < 2)
    errors.push(
      invalid(POLICY, spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"),
    );
  for (const [i, f] of families.entries())
    if (!configured.includes(f as IPFamily))
      errors.push(invalid(`spec.ipFamilies[${i}]`, f, "not configured on this cluster"));
  if (errors.length > 0) return errors;
  spec.ipFamilies = families.length > 0 ? families : [configured[0]!];
  if (spec.ipFamilyPolicy !== "SingleStack" && spec.ipFamilies.length === 1 && configured.length === 2)
    spec.ipFamilies = withOther(spec.ipFamilies);
  return [];
}

/**
 * Fills ipFamilyPolicy and ipFamilies in place and lets go of a second address that is not wanted, given the families that the
 * cluster has (the first is its default). Returns what is wrong; the Service is then as it was, and to be refused.
 */
export function initIPFamilies(
  s: Service,
  old: Service | undefined,
  configured: readonly IPFamily[],
): FieldError[] {
  if (s.spec!.type === "ExternalName" || untouchedPreferDualStack(s, old)) return [];
  const trial: Service = { ...s, spec: { ...s.spec! } };
  const errors = settle(trial, old, configured);
  if (errors.length === 0) s.spec = trial.spec!;
  return errors;
}
