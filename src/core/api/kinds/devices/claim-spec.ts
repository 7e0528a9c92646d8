// The spec that a ResourceClaim and a ResourceClaimTemplate have in common (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { DeviceClaim } from "../../types.ts";
import { required } from "../meta/mod.ts";
import { maxConfigurations, validateConfiguration } from "./configuration.ts";
import { validateList } from "./lists.ts";
import { validateFullyQualifiedName } from "./names.ts";
import { maxRequests, requestNames, validateRequest, validateRequestReferences } from "./requests.ts";

type Constraint = NonNullable<DeviceClaim["constraints"]>[number];

const maxConstraints = 32;

function validateAttribute(c: Constraint, path: string): FieldError[] {
  if (c.matchAttribute != null) return validateFullyQualifiedName(c.matchAttribute, `${path}.matchAttribute`);
  if (c.distinctAttribute != null)
    return validateFullyQualifiedName(c.distinctAttribute, `${path}.distinctAttribute`);
  // Kubernetes' words, though it is none that is set.
  const detail =
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [required(path, detail)];
}

export function validateClaimSpec(
  spec: { devices?: DeviceClaim } | null | undefined,
  path: string,
): FieldError[] {
  const devices = spec?.devices;
  const names = requestNames(devices);
  return [
    ...validateList(devices?.requests, `${path}.devices.requests`, {
      max: maxRequests,
      item: validateRequest,
      key: (r) => r.name,
    }),
    ...validateList(devices?.constraints, `${path}.devices.constraints`, {
      max: maxConstraints,
      item: (c, at) => [
        ...validateRequestReferences(c.requests, `${at}.requests`, names),
        ...validateAttribute(c, at),
      ],
    }),
    ...validateList(devices?.config, `${path}.devices.config`, {
      max: maxConfigurations,
      item: (c, at) => [
        ...validateRequestReferences(c.requests, `${at}.requests`, names),
        ...validateConfiguration(c, at),
      ],
    }),
  ];
}
