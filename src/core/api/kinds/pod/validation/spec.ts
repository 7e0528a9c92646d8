// A pod's spec, alone or in a template (kubernetes pkg/apis/core/validation ValidatePodSpec), errors in its order.
import type { FieldError } from "../../../status.ts";
import type { PodSpec } from "../../../types.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  inRange,
  invalid,
  invalidEach,
  notSupported,
  qualifiedName,
  required,
  tooLong,
  validateLabels,
} from "../../meta/mod.ts";
import {
  validateContainers,
  validateEphemeralContainers,
  validateHostNetworkPorts,
  validateInitContainers,
} from "./containers.ts";
import { validateDnsConfig, validateDnsPolicy, validateHostAliases } from "./dns.ts";
import { validateOverhead, validatePodResources } from "./resources.ts";
import { validateAffinity, validateSpread, validateTolerations } from "./scheduling.ts";
import { validateHostUsers, validatePodSecurity } from "./security.ts";
import { validateVolumes } from "./volumes.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const MAX_SECONDS = 2147483647;

function validateClaims(claims: PodSpec["resourceClaims"], path: string): FieldError[] {
  const names = new Set<string>();
  return (claims ?? []).flatMap((c, i) => {
    const here = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!c.name) errors.push(required(`${here}.name`));
    else if (names.has(c.name)) errors.push(duplicate(`${here}.name`, c.name));
    else errors.push(...invalidEach(`${here}.name`, c.name, dns1123Label(c.name)));
    names.add(c.name);
    if (c.resourceClaimName != null && c.resourceClaimTemplateName != null)
      errors.push(
        invalid(
          here,
          c,
          "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
        ),
      );
    if (c.resourceClaimName == null && c.resourceClaimTemplateName == null)
      errors.push(invalid(here, c, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    return errors;
  });
}

function validateGates(spec: PodSpec, path: string): FieldError[] {
  const errors = (spec.readinessGates ?? []).flatMap((g, i) =>
    invalidEach(
      `${path}.readinessGates[${i}].conditionType`,
      g.conditionType,
      qualifiedName(g.conditionType ?? ""),
    ),
  );
  const seen = new Set<string>();
  for (const [i, g] of (spec.schedulingGates ?? []).entries()) {
    const here = `${path}.schedulingGates[${i}]`;
    errors.push(...invalidEach(here, g.name ?? "", qualifiedName(g.name ?? "")));
    if (seen.has(g.name)) errors.push(duplicate(here, g.name));
    seen.add(g.name);
  }
  return errors;
}

function validatePullSecrets(secrets: PodSpec["imagePullSecrets"], path: string): FieldError[] {
  return (secrets ?? []).flatMap((s, i) =>
    Object.keys(s).some((k) => k !== "name") ? [invalid(`${path}[${i}]`, s, "only name may be set")] : [],
  );
}

function validateHostnameOverride(spec: PodSpec, path: string): FieldError[] {
  const override = spec.hostnameOverride;
  if (override == null) return [];
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN)
    errors.push(forbidden(path, "may not be specified when setHostnameAsFQDN is true"));
  if (spec.hostNetwork) errors.push(forbidden(path, "may not be specified when hostNetwork is true"));
  // The kernel's limit, which is shorter than DNS's.
  if (override.length > 64) errors.push(tooLong(path, 64));
  return [...errors, ...invalidEach(path, override, dns1123Subdomain(override))];
}

/** Names that are checked only when they are there. */
function validateNames(spec: PodSpec, path: string): FieldError[] {
  const subdomain = ["serviceAccountName", "nodeName"] as const;
  const label = ["hostname", "subdomain"] as const;
  const errors = subdomain.flatMap((k) =>
    spec[k] ? invalidEach(`${path}.${k}`, spec[k], dns1123Subdomain(spec[k]!)) : [],
  );
  const deadline = spec.activeDeadlineSeconds;
  if (deadline != null)
    errors.push(...invalidEach(`${path}.activeDeadlineSeconds`, deadline, inRange(deadline, 1, MAX_SECONDS)));
  return [
    ...validateHostnameOverride(spec, `${path}.hostnameOverride`),
    ...errors,
    ...label.flatMap((k) => (spec[k] ? invalidEach(`${path}.${k}`, spec[k], dns1123Label(spec[k]!)) : [])),
  ];
}

function validateOs(spec: PodSpec, path: string): FieldError[] {
  if (spec.os == null) return [];
  if (!spec.os.name) return [required(`${path}.name`, "cannot be empty")];
  const names = ["linux", "windows"];
  return names.includes(spec.os.name) ? [] : [notSupported(path, spec.os.name, names)];
}

function validatePreemption(policy: string | null | undefined, path: string): FieldError[] {
  if (policy == null) return [];
  if (policy === "") return [required(path)];
  const policies = ["PreemptLowerPriority", "Never"];
  return policies.includes(policy) ? [] : [notSupported(path, policy, policies)];
}

/** `isPod` is false for the spec of a template, which is checked less strictly in places. */
export function validatePodSpec(spec: PodSpec, path: string, options: { isPod: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.terminationGracePeriodSeconds == null)
    errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = validateVolumes(spec.volumes ?? [], `${path}.volumes`, options);
  const around = { spec, volumes: volumes.valid };
  errors.push(
    ...volumes.errors,
    ...validateClaims(spec.resourceClaims, `${path}.resourceClaims`),
    ...validateContainers(`${path}.containers`, around),
    ...validateInitContainers(`${path}.initContainers`, around),
    ...validateEphemeralContainers(`${path}.ephemeralContainers`, around),
    ...validatePodResources(spec, `${path}.resources`),
    ...validateHostNetworkPorts(spec, path, options.isPod),
  );
  if (!spec.restartPolicy) errors.push(required(`${path}.restartPolicy`));
  else if (!restartPolicies.includes(spec.restartPolicy))
    errors.push(notSupported(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies));
  errors.push(
    ...validateDnsPolicy(spec.dnsPolicy, `${path}.dnsPolicy`),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validatePodSecurity(spec, path),
    ...validatePullSecrets(spec.imagePullSecrets, `${path}.imagePullSecrets`),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDnsConfig(spec, `${path}.dnsConfig`),
    ...validateGates(spec, path),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
    ...validateHostUsers(spec, path),
    ...validateNames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`),
    ...validateHostAliases(spec.hostAliases, `${path}.hostAliases`),
  );
  for (const key of ["priorityClassName", "runtimeClassName"] as const)
    if (spec[key]) errors.push(...invalidEach(`${path}.${key}`, spec[key], dns1123Subdomain(spec[key]!)));
  errors.push(...validatePreemption(spec.preemptionPolicy, `${path}.preemptionPolicy`));
  if (spec.overhead) errors.push(...validateOverhead(spec.overhead, `${path}.overhead`));
  return [...errors, ...validateOs(spec, `${path}.os`)];
}
