// networking.k8s.io/v1 ServiceCIDR: a range of cluster IPs (kubernetes pkg/registry/networking/servicecidr).
import { parseCIDR, printCIDR } from "../../../net/mod.ts";
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ServiceCIDR } from "../../types.ts";
import { define, keep } from "../define.ts";
import { invalid, required, validateCIDR } from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";

const path = "spec.cidrs";
const fixed = "field is immutable";

function validateRange(at: string, text: string): FieldError[] {
  const errors = validateCIDR(at, text);
  const cidr = parseCIDR(text);
  if (errors.length > 0 || !cidr || printCIDR(cidr) === text) return errors;
  return [invalid(at, text, `must be in canonical form (${JSON.stringify(printCIDR(cidr))})`)];
}

function validate(s: ServiceCIDR): FieldError[] {
  const cidrs = s.spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(path, s.spec, "may only hold up to 2 values")];
  const errors = cidrs.flatMap((c, i) => validateRange(`${path}[${i}]`, c));
  const [a, b] = cidrs.map((c) => parseCIDR(c)?.address.family);
  if (a !== undefined && a === b)
    errors.push(
      invalid(
        path,
        cidrs,
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
      ),
    );
  return errors;
}

/** Ranges stay; a second family may be added. */
function validateUpdate(s: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const now = s.spec?.cidrs ?? [];
  const was = old.spec?.cidrs ?? [];
  if (now.length === was.length)
    return now.flatMap((c, i) => (c === was[i] ? [] : [invalid(`${path}[${i}]`, c, fixed)]));
  if (was.length !== 1 || now.length !== 2) return [invalid(path, now, fixed)];
  return [...(now[0] === was[0] ? [] : [invalid(`${path}[0]`, now[0], fixed)]), ...validate(s)];
}

export const serviceCIDR: ResourceDefinition<ServiceCIDR> = define<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  singular: "servicecidr",
  namespaced: false,
  model: "V1ServiceCIDR",
  subresources: [statusOf("ServiceCIDR")],
  prepareForCreate(s) {
    delete s.status;
  },
  prepareForUpdate: (s, old) => keep(s, old, "status"),
  prepareForStatusUpdate: (s, old) => keep(s, old, "spec"),
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    column("CIDRs", "The ranges, one a family at most.", (s) => (s.spec?.cidrs ?? []).join(",")),
    ageColumn,
  ],
});
