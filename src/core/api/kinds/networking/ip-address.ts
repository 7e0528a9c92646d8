// networking.k8s.io/v1 IPAddress: an address that somebody has; its name is the address (kubernetes pkg/registry/networking/ipaddress).
import { parseIP, printIP } from "../../../net/mod.ts";
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { IPAddress } from "../../types.ts";
import { define } from "../define.ts";
import {
  dns1123Subdomain,
  immutable,
  invalid,
  invalidEach,
  pathSegment,
  required,
  validateIP,
} from "../meta/mod.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";

function validateName(name: string): FieldError[] {
  const errors = validateIP("metadata.name", name);
  const ip = parseIP(name);
  if (errors.length > 0 || !ip || printIP(ip) === name) return errors;
  return [invalid("metadata.name", name, `must be in canonical form (${JSON.stringify(printIP(ip))})`)];
}

function validate(a: IPAddress): FieldError[] {
  const parent = a.spec?.parentRef;
  const errors = a.metadata.name ? validateName(a.metadata.name) : [];
  if (!parent) return [...errors, required("spec.parentRef")];
  const path = "spec.parentRef";
  const segment = (field: "resource" | "name", value: string | undefined): FieldError[] =>
    value ? invalidEach(`${path}.${field}`, value, pathSegment(value)) : [required(`${path}.${field}`)];
  const { group = "", resource, namespace = "", name } = parent;
  if (group !== "") errors.push(...invalidEach(`${path}.group`, group, dns1123Subdomain(group)));
  errors.push(...segment("resource", resource), ...segment("name", name));
  if (namespace !== "") errors.push(...invalidEach(`${path}.namespace`, namespace, pathSegment(namespace)));
  return errors;
}

function parentText(a: IPAddress): string {
  const parent = a.spec?.parentRef;
  if (!parent) return "<none>";
  const { group, resource, namespace, name } = parent;
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [kind, ...(namespace ? [namespace] : []), name].join("/");
}

export const ipAddress: ResourceDefinition<IPAddress> = define<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  singular: "ipaddress",
  shortNames: ["ip"],
  namespaced: false,
  model: "V1IPAddress",
  nameRule: "path",
  validate,
  validateUpdate: (a, old) => [
    ...validate(a),
    ...immutable("spec.parentRef", a.spec?.parentRef, old.spec?.parentRef),
  ],
  columns: [nameColumn, column("ParentRef", "What the address belongs to.", parentText), ageColumn],
  fields: {
    "spec.parentRef.group": (a) => a.spec?.parentRef?.group ?? "",
    "spec.parentRef.resource": (a) => a.spec?.parentRef?.resource ?? "",
    "spec.parentRef.namespace": (a) => a.spec?.parentRef?.namespace ?? "",
    "spec.parentRef.name": (a) => a.spec?.parentRef?.name ?? "",
  },
});
