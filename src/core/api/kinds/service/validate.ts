// Validation of Services (kubernetes pkg/apis/core/validation ValidateService, ValidateServiceUpdate), errors in its order.
import { parseIP } from "../../../net/mod.ts";
import type { StrategyContext } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { Service } from "../../types.ts";
import {
  dns1123Subdomain,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  portNumber,
  qualifiedName,
  required,
  validateCIDR,
  validateIP,
  validateLabels,
  validateNonSpecialIP,
} from "../meta/mod.ts";
import { initIPFamilies } from "./ip-families.ts";
import { externallyAccessible, isHeadless, needsHealthCheckNodePort } from "./needs.ts";
import { validateClusterIPFields, validateClusterIPsKept } from "./validate-cluster-ips.ts";
import { validateNodePortsOnce, validatePortCollisions, validatePorts } from "./validate-ports.ts";

const SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";
const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";
const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

function validateType(s: Service): FieldError[] {
  const spec = s.spec ?? {};
  const none = "spec.clusterIPs[0]";
  switch (spec.type) {
    case "LoadBalancer":
    case "NodePort":
      return isHeadless(s)
        ? [invalid(none, "None", `may not be set to 'None' for ${spec.type} services`)]
        : [];
    case "ExternalName": {
      const errors: FieldError[] = [];
      const not = "may not be set for ExternalName services";
      if ((spec.clusterIPs ?? []).length > 0) errors.push(forbidden("spec.clusterIPs", not));
      if ((spec.ipFamilies ?? []).length > 0) errors.push(forbidden("spec.ipFamilies", not));
      if (spec.ipFamilyPolicy != null) errors.push(forbidden("spec.ipFamilyPolicy", not));
      const cname = (spec.externalName ?? "").replace(/\.$/, "");
      if (cname === "") errors.push(required("spec.externalName"));
      else errors.push(...invalidEach("spec.externalName", cname, dns1123Subdomain(cname)));
      return errors;
    }
    default:
      return [];
  }
}

function validateAffinity(s: Service): FieldError[] {
  const { sessionAffinity: affinity, sessionAffinityConfig: config } = s.spec ?? {};
  const path = "spec.sessionAffinityConfig";
  if (!affinity) return [required("spec.sessionAffinity")];
  if (affinity === "None")
    return config != null ? [forbidden(path, "must not be set when session affinity is None")] : [];
  if (affinity !== "ClientIP") return [notSupported("spec.sessionAffinity", affinity, ["ClientIP", "None"])];
  const when = "when session affinity type is ClientIP";
  if (config == null) return [required(path, when)];
  if (config.clientIP == null) return [required(`${path}.clientIP`, when)];
  const seconds = config.clientIP.timeoutSeconds;
  const at = `${path}.clientIP.timeoutSeconds`;
  if (seconds == null) return [required(at, when)];
  return seconds <= 0 || seconds > 86400
    ? [invalid(at, seconds, "must be greater than 0 and less than 86400")]
    : [];
}

function validateExternalIPs(s: Service, old: Service | undefined): FieldError[] {
  const known = old?.spec?.externalIPs ?? [];
  return (s.spec?.externalIPs ?? []).flatMap((ip, i) => {
    const path = `spec.externalIPs[${i}]`;
    const errors = validateIP(path, ip, known);
    return errors.length > 0 ? errors : validateNonSpecialIP(path, ip);
  });
}

function validateSourceRanges(s: Service, old: Service | undefined): FieldError[] {
  const wrongType = s.spec?.type === "LoadBalancer" ? [] : [onlyLoadBalancer];
  const ranges = s.spec?.loadBalancerSourceRanges ?? [];
  const known = (old?.spec?.loadBalancerSourceRanges ?? []).map((r) => r.trim());
  const path = "spec.LoadBalancerSourceRanges";
  if (ranges.length > 0)
    return [
      ...wrongType.map((m) => forbidden(path, m)),
      ...ranges.flatMap((r, i) => validateCIDR(`${path}[${i}]`, r.trim(), known)),
    ];
  const annotation = s.metadata.annotations?.[SOURCE_RANGES];
  if (annotation === undefined) return [];
  const at = `metadata.annotations[${SOURCE_RANGES}]`;
  const kept = old?.metadata.annotations?.[SOURCE_RANGES] === annotation;
  const listed = kept || annotation.trim() === "" ? [] : annotation.split(",").map((r) => r.trim());
  return [...wrongType.map((m) => forbidden(at, m)), ...listed.flatMap((r) => validateCIDR(at, r))];
}

function validateLoadBalancer(s: Service): FieldError[] {
  const spec = s.spec ?? {};
  const is = spec.type === "LoadBalancer";
  const errors: FieldError[] = [];
  if (spec.allocateLoadBalancerNodePorts != null && !is)
    errors.push(forbidden("spec.allocateLoadBalancerNodePorts", onlyLoadBalancer));
  if (spec.allocateLoadBalancerNodePorts == null && is)
    errors.push(required("allocateLoadBalancerNodePorts"));
  if (spec.loadBalancerClass != null)
    errors.push(
      ...(is
        ? invalidEach("spec.loadBalancerClass", spec.loadBalancerClass, qualifiedName(spec.loadBalancerClass))
        : [forbidden("spec.loadBalancerClass", onlyLoadBalancer)]),
    );
  return errors;
}

function validateTraffic(s: Service): FieldError[] {
  const spec = s.spec ?? {};
  const errors: FieldError[] = [];
  const external = "spec.externalTrafficPolicy";
  const both = ["Cluster", "Local"];
  if (!externallyAccessible(s)) {
    if (spec.externalTrafficPolicy)
      errors.push(
        invalid(external, spec.externalTrafficPolicy, "may only be set for externally-accessible services"),
      );
  } else if (!spec.externalTrafficPolicy) errors.push(required(external));
  else if (!both.includes(spec.externalTrafficPolicy))
    errors.push(notSupported(external, spec.externalTrafficPolicy, both));

  const check = spec.healthCheckNodePort;
  // Zero with a policy of Local is for the allocator to fill.
  if (check && !needsHealthCheckNodePort(s))
    errors.push(
      invalid(
        "spec.healthCheckNodePort",
        check,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  else if (check) errors.push(...invalidEach("spec.healthCheckNodePort", check, portNumber(check)));

  const internal = spec.internalTrafficPolicy;
  if (internal == null && spec.type !== "ExternalName" && types.includes(spec.type ?? ""))
    errors.push(required("spec.internalTrafficPolicy"));
  if (internal != null && !both.includes(internal))
    errors.push(notSupported("spec.internalTrafficPolicy", internal, both));

  const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
  if (spec.trafficDistribution != null && !distributions.includes(spec.trafficDistribution))
    errors.push(notSupported("spec.trafficDistribution", spec.trafficDistribution, distributions));
  return errors;
}

/** All but metadata's general rules. */
function validateService(s: Service, old?: Service): FieldError[] {
  const spec = s.spec ?? {};
  const errors: FieldError[] = [];
  const { [HINTS]: hints, [MODE]: mode } = s.metadata.annotations ?? {};
  if (hints !== undefined && mode !== undefined && hints !== mode)
    errors.push(
      invalid(
        `metadata.annotations[${MODE}]`,
        mode,
        `must match annotations[${HINTS}] when both are specified`,
      ),
    );
  if ((spec.ports ?? []).length === 0 && !isHeadless(s) && spec.type !== "ExternalName")
    errors.push(required("spec.ports"));
  errors.push(
    ...validateType(s),
    ...validatePorts(s),
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateAffinity(s),
    ...validateClusterIPFields(s, old),
    ...validateExternalIPs(s, old),
  );
  if (!spec.type) errors.push(required("spec.type"));
  else if (!types.includes(spec.type)) errors.push(notSupported("spec.type", spec.type, types));
  errors.push(
    ...validatePortCollisions(s),
    ...validateSourceRanges(s, old),
    ...validateLoadBalancer(s),
    ...validateTraffic(s),
  );
  return errors;
}

type Families = Pick<StrategyContext, "ipFamilies">;

/** A new Service; asks for families that the cluster does not have are refused as the allocator would. */
export function validateServiceCreate(s: Service, { ipFamilies }: Families): FieldError[] {
  const families = types.includes(s.spec?.type ?? "")
    ? initIPFamilies(structuredClone(s), undefined, ipFamilies)
    : [];
  if (families.length > 0) return families;
  const ports = validateNodePortsOnce(s);
  return ports.length > 0 ? ports : validateService(s);
}

export function validateServiceUpdate(s: Service, old: Service, { ipFamilies }: Families): FieldError[] {
  const families = types.includes(s.spec?.type ?? "")
    ? initIPFamilies(structuredClone(s), old, ipFamilies)
    : [];
  if (families.length > 0) return families;
  const errors = validateClusterIPsKept(s, old);
  const loadBalancers = s.spec?.type === "LoadBalancer" && old.spec?.type === "LoadBalancer";
  if (loadBalancers && (s.spec?.loadBalancerClass ?? null) !== (old.spec?.loadBalancerClass ?? null))
    errors.push(invalid("spec.loadBalancerClass", s.spec?.loadBalancerClass, "may not change once set"));
  if (
    needsHealthCheckNodePort(s) &&
    needsHealthCheckNodePort(old) &&
    (s.spec?.healthCheckNodePort ?? 0) !== (old.spec?.healthCheckNodePort ?? 0)
  )
    errors.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  return [...errors, ...validateService(s, old)];
}

export function validateServiceStatus(s: Service, old: Service): FieldError[] {
  const ingress = s.status?.loadBalancer?.ingress ?? [];
  const path = "status.loadBalancer.ingress";
  if (s.spec?.type !== "LoadBalancer" && ingress.length > 0)
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const known = (old.status?.loadBalancer?.ingress ?? []).map((i) => i.ip ?? "");
  return ingress.flatMap((entry, i) => {
    const at = `${path}[${i}]`;
    const errors = entry.ip ? validateIP(`${at}.ip`, entry.ip, known) : [];
    if (entry.ipMode == null) {
      if (entry.ip) errors.push(required(`${at}.ipMode`, "must be specified when `ip` is set"));
    } else if (!entry.ip) errors.push(forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set"));
    else if (entry.ipMode !== "VIP" && entry.ipMode !== "Proxy")
      errors.push(notSupported(`${at}.ipMode`, entry.ipMode, ["Proxy", "VIP"]));
    if (entry.hostname) {
      errors.push(...invalidEach(`${at}.hostname`, entry.hostname, dns1123Subdomain(entry.hostname)));
      if (parseIP(entry.hostname))
        errors.push(invalid(`${at}.hostname`, entry.hostname, "must be a DNS name, not an IP address"));
    }
    return errors;
  });
}
