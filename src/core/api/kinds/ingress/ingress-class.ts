// networking.k8s.io/v1 IngressClass (kubernetes pkg/registry/networking/ingressclass).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { IngressClass } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  forbidden,
  immutable,
  invalid,
  invalidEach,
  notSupported,
  pathSegment,
  required,
  tooLong,
} from "../meta/mod.ts";
import { ageColumn, column } from "../table/mod.ts";

type Parameters = NonNullable<NonNullable<IngressClass["spec"]>["parameters"]>;

const defaultAnnotation = "ingressclass.kubernetes.io/is-default-class";
const controllerBytes = 250;
const pathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

/** Ingresses that name no class get the newest such class. */
export const isDefaultIngressClass = (c: Pick<IngressClass, "metadata">): boolean =>
  c.metadata.annotations?.[defaultAnnotation] === "true";

/** `acme.io/foo`: a domain and a path. */
function validateDomainPrefixedPath(path: string, value: string): FieldError[] {
  if (value === "") return [required(path)];
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1)
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const host = value.slice(0, slash);
  const rest = value.slice(slash + 1);
  return [
    ...invalidEach(path, host, dns1123Subdomain(host)),
    ...(new RegExp(`^${pathFormat}$`).test(rest)
      ? []
      : [invalid(path, rest, `Invalid path (regex used for validation is '${pathFormat}')`)]),
  ];
}

/** Group, kind and name of an object in some API. */
export function validateReference(
  r: { apiGroup?: string | null; kind?: string; name?: string },
  path: string,
): FieldError[] {
  const segment = (field: "kind" | "name"): FieldError[] => {
    const value = r[field];
    return value
      ? invalidEach(`${path}.${field}`, value, pathSegment(value))
      : [required(`${path}.${field}`)];
  };
  return [
    ...(r.apiGroup == null ? [] : invalidEach(`${path}.apiGroup`, r.apiGroup, dns1123Subdomain(r.apiGroup))),
    ...segment("kind"),
    ...segment("name"),
  ];
}

function validateScope(p: Parameters, path: string): FieldError[] {
  const field = `${path}.namespace`;
  switch (p.scope) {
    case "Namespace":
      if (p.namespace == null) return [required(field, "`parameters.scope` is set to 'Namespace'")];
      return invalidEach(field, p.namespace, dns1123Label(p.namespace));
    case "Cluster":
      return p.namespace == null ? [] : [forbidden(field, "`parameters.scope` is set to 'Cluster'")];
    default:
      return [notSupported(`${path}.scope`, p.scope, ["Cluster", "Namespace"])];
  }
}

function validate(c: IngressClass): FieldError[] {
  const controller = c.spec?.controller ?? "";
  const parameters = c.spec?.parameters;
  return [
    ...(Buffer.byteLength(controller) > controllerBytes ? [tooLong("spec.controller", controllerBytes)] : []),
    ...validateDomainPrefixedPath("spec.controller", controller),
    ...(parameters
      ? [...validateReference(parameters, "spec.parameters"), ...validateScope(parameters, "spec.parameters")]
      : []),
  ];
}

function parametersText(c: IngressClass): string {
  const p = c.spec?.parameters;
  return p ? `${p.kind}${p.apiGroup == null ? "" : `.${p.apiGroup}`}/${p.name}` : "<none>";
}

export const ingressClass: ResourceDefinition<IngressClass> = define<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  singular: "ingressclass",
  namespaced: false,
  model: "V1IngressClass",
  setDefaults(c) {
    if (c.spec?.parameters) c.spec.parameters.scope ??= "Cluster";
  },
  prepareForCreate: specAndStatus<IngressClass>().prepareForCreate,
  prepareForUpdate: specAndStatus<IngressClass>().prepareForUpdate,
  validate,
  validateUpdate: (c, old) => [
    ...immutable("spec.controller", c.spec?.controller, old.spec?.controller),
    ...validate(c),
  ],
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "Name must be unique.",
      cell: (c) => `${c.metadata.name ?? ""}${isDefaultIngressClass(c) ? " (default)" : ""}`,
    },
    column("Controller", "Who acts on Ingresses of this class.", (c) => c.spec?.controller ?? ""),
    column("Parameters", "An object that says more to the controller.", parametersText),
    ageColumn,
  ],
});
