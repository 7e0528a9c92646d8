// clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy: each alone, with each other, and against what they were
// (kubernetes pkg/apis/core/validation ValidateServiceClusterIPsRelatedFields, validateUpgradeDowngrade…).
import { isIPv6 } from "../../../net/mod.ts";
import type { FieldError } from "../../status.ts";
import type { Service } from "../../types.ts";
import { duplicate, invalid, notSupported, required, validateIP } from "../meta/mod.ts";
import { isHeadless } from "./needs.ts";

const IPS = "spec.clusterIPs";
const FAMILIES = "spec.ipFamilies";
const POLICY = "spec.ipFamilyPolicy";
const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];

function inStep(clusterIP: string, ips: readonly string[]): FieldError[] {
  if (clusterIP !== "") {
    if (ips.length === 0) return [required(IPS)];
    return ips[0] === clusterIP ? [] : [invalid(IPS, ips, "first value must match `clusterIP`")];
  }
  return ips.length === 0 ? [] : [invalid(IPS, ips, "must be empty when `clusterIP` is not specified")];
}

function validateFamilies(families: readonly string[]): FieldError[] {
  return families.flatMap((f, i) => [
    ...(f === "IPv4" || f === "IPv6" ? [] : [notSupported(`${FAMILIES}[${i}]`, f, ["IPv4", "IPv6"])]),
    ...(families.indexOf(f) < i ? [duplicate(`${FAMILIES}[${i}]`, f)] : []),
  ]);
}

function validateAddresses(ips: readonly string[], old: readonly string[]): FieldError[] {
  return ips.flatMap((ip, i) => {
    if (i === 0 && ip === "None")
      return ips.length > 1 ? [invalid(IPS, ips, "'None' must be the first and only value")] : [];
    return validateIP(`${IPS}[${i}]`, ip, old);
  });
}

/** The four fields of one Service; an ExternalName has none and is not looked at. */
export function validateClusterIPFields(s: Service, old?: Service): FieldError[] {
  const spec = s.spec ?? {};
  if (spec.type === "ExternalName") return [];
  const ips = spec.clusterIPs ?? [];
  const families = spec.ipFamilies ?? [];
  const errors = [...inStep(spec.clusterIP ?? "", ips), ...validateFamilies(families)];
  if (spec.ipFamilyPolicy && !policies.includes(spec.ipFamilyPolicy))
    errors.push(notSupported(POLICY, spec.ipFamilyPolicy, policies));
  const bad = validateAddresses(ips, old?.spec?.clusterIPs ?? []);
  errors.push(...bad);
  if (ips.length > 2) errors.push(invalid(IPS, ips, "may only hold up to 2 values"));
  // What follows would only confuse when an address is none.
  if (bad.length > 0) return errors;
  if (ips.length > 1 && new Set(ips.map(isIPv6)).size < 2)
    errors.push(invalid(IPS, ips, "may specify no more than one IP for each IP family"));
  if (isHeadless(s)) return errors;
  for (const [i, ip] of ips.entries()) {
    const wrong =
      (families[i] === "IPv4" && isIPv6(ip) && "IPv4") || (families[i] === "IPv6" && !isIPv6(ip) && "IPv6");
    if (wrong)
      errors.push(
        invalid(`${IPS}[${i}]`, ip, `expected an ${wrong} value as indicated by \`ipFamilies[${i}]\``),
      );
  }
  return errors;
}

const once = "may not change once set";

function ipsKept(s: Service, old: Service): FieldError[] {
  const now = s.spec?.clusterIPs ?? [];
  const was = old.spec?.clusterIPs ?? [];
  if (now.length === was.length)
    return was.flatMap((ip, i) => (ip === now[i] ? [] : [invalid(`${IPS}[${i}]`, now, once)]));
  const errors: FieldError[] = [];
  if (now.length === 0)
    errors.push(invalid(`${IPS}[0]`, s.spec?.clusterIPs, "primary clusterIP can not be unset"));
  else if (was.length > 0 && now[0] !== was[0]) errors.push(invalid(`${IPS}[0]`, now, once));
  if (was.length > now.length && now.length === 1 && s.spec?.ipFamilyPolicy !== "SingleStack")
    errors.push(
      invalid(
        POLICY,
        s.spec?.ipFamilyPolicy,
        "must be set to 'SingleStack' when releasing the secondary clusterIP",
      ),
    );
  return errors;
}

function familiesKept(s: Service, old: Service): FieldError[] {
  const now = s.spec?.ipFamilies ?? [];
  const was = old.spec?.ipFamilies ?? [];
  const at = `${FAMILIES}[0]`;
  if (now.length === was.length) return was.flatMap((f, i) => (f === now[i] ? [] : [invalid(at, now, once)]));
  const errors: FieldError[] = [];
  if (was.length > now.length && (s.spec?.clusterIPs ?? []).length === 0)
    errors.push(invalid(at, s.spec?.ipFamilies, "primary ipFamily can not be unset"));
  if (was.length > 0 && now.length > 0 && now[0] !== was[0])
    errors.push(invalid(at, s.spec?.clusterIPs, once));
  if (was.length > now.length && now.length === 1 && s.spec?.ipFamilyPolicy !== "SingleStack")
    errors.push(
      invalid(
        POLICY,
        s.spec?.ipFamilyPolicy,
        "must be set to 'SingleStack' when releasing the secondary ipFamily",
      ),
    );
  return errors;
}

/** The primary address and family stay; the second of each comes and goes. To and from ExternalName all may change. */
export function validateClusterIPsKept(s: Service, old: Service): FieldError[] {
  if (s.spec?.type === "ExternalName" || old.spec?.type === "ExternalName") return [];
  const [now, was] = [isHeadless(s), isHeadless(old)];
  return [...(now && was ? [] : ipsKept(s, old)), ...(now || was ? [] : familiesKept(s, old))];
}
