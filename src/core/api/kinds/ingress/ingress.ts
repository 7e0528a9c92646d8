// networking.k8s.io/v1 Ingress (kubernetes pkg/registry/networking/ingress).
import { parseIP } from "../../../net/mod.ts";
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { Ingress } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import {
  dns1123Subdomain,
  invalid,
  invalidEach,
  notSupported,
  required,
  validateIP,
  warnIP,
  wildcardDns1123Subdomain,
} from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import { validateBackend } from "./backend.ts";

type Spec = NonNullable<Ingress["spec"]>;
type Rule = NonNullable<Spec["rules"]>[number];
type Path = NonNullable<Rule["http"]>["paths"][number];

const classAnnotation = "kubernetes.io/ingress.class";
const notAnAddress = "must be a DNS name, not an IP address";

const hostErrors = (host: string): string[] =>
  host.includes("*") ? wildcardDns1123Subdomain(host) : dns1123Subdomain(host);

/** What would make one path look like another. */
function ambiguities(path: string): string[] {
  return [
    ...["//", "/./", "/../", "%2f", "%2F"]
      .filter((s) => path.includes(s))
      .map((s) => `must not contain '${s}'`),
    ...["/..", "/."].filter((s) => path.endsWith(s)).map((s) => `cannot end with '${s}'`),
  ];
}

function validatePath(p: Path, at: string): FieldError[] {
  if (!p.pathType) return [required(`${at}.pathType`, "pathType must be specified")];
  const path = p.path ?? "";
  const relative = path.startsWith("/") ? [] : ["must be an absolute path"];
  const backend = validateBackend(p.backend, `${at}.backend`);
  switch (p.pathType) {
    case "Exact":
    case "Prefix":
      return [...invalidEach(`${at}.path`, path, [...relative, ...ambiguities(path)]), ...backend];
    case "ImplementationSpecific":
      return [...invalidEach(`${at}.path`, path, path === "" ? [] : relative), ...backend];
    default:
      return [
        notSupported(`${at}.pathType`, p.pathType, ["Exact", "ImplementationSpecific", "Prefix"]),
        ...backend,
      ];
  }
}

function validateRule(rule: Rule, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (rule.host) {
    if (parseIP(rule.host)) errors.push(invalid(`${at}.host`, rule.host, notAnAddress));
    errors.push(...invalidEach(`${at}.host`, rule.host, hostErrors(rule.host)));
  }
  if (!rule.http) return errors;
  const paths = rule.http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${at}.http.paths`));
  return [...errors, ...paths.flatMap((p, i) => validatePath(p, `${at}.http.paths[${i}]`))];
}

function validate(o: Ingress): FieldError[] {
  const spec: Spec = o.spec ?? {};
  const rules = spec.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length === 0 && !spec.defaultBackend)
    errors.push(invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, "spec.defaultBackend"));
  errors.push(...rules.flatMap((r, i) => validateRule(r, `spec.rules[${i}]`)));
  for (const [i, tls] of (spec.tls ?? []).entries()) {
    for (const [j, host] of (tls.hosts ?? []).entries())
      errors.push(...invalidEach(`spec.tls[${i}].hosts[${j}]`, host, hostErrors(host)));
    if (tls.secretName)
      errors.push(
        ...invalidEach(`spec.tls[${i}].secretName`, tls.secretName, dns1123Subdomain(tls.secretName)),
      );
  }
  const name = spec.ingressClassName;
  if (name != null) errors.push(...invalidEach("spec.ingressClassName", name, dns1123Subdomain(name)));
  return errors;
}

function validateNew(o: Ingress): FieldError[] {
  const annotated = o.metadata.annotations?.[classAnnotation];
  const named = o.spec?.ingressClassName;
  const detail = "must match `ingressClassName` when both are specified";
  return [
    ...validate(o),
    ...(annotated !== undefined && named != null && annotated !== named
      ? [invalid(`annotations.${classAnnotation}`, annotated, detail)]
      : []),
  ];
}

function validateStatus(o: Ingress, old: Ingress): FieldError[] {
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap((i) => i.ip ?? []);
  return (o.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(ip ? validateIP(`${at}.ip`, ip, known) : []),
      ...(hostname ? invalidEach(`${at}.hostname`, hostname, dns1123Subdomain(hostname)) : []),
      ...(hostname && parseIP(hostname) ? [invalid(`${at}.hostname`, hostname, notAnAddress)] : []),
    ];
  });
}

function hosts(o: Ingress): string {
  const rules = o.spec?.rules ?? [];
  const named = rules.flatMap((r) => r.host || []);
  if (named.length === 0) return "*";
  const shown = named.slice(0, 3).join(",");
  // As kubectl has it: the rest is counted in rules, whether they name a host or not.
  const cut = rules.findIndex((_, i) => rules.slice(0, i).filter((r) => r.host).length === 3);
  return cut < 0 ? shown : `${shown} + ${rules.length - 3} more...`;
}

const addresses = (o: Ingress): string =>
  [...new Set((o.status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || ""))]
    .filter((a) => a !== "")
    .sort()
    .join(",");

const strategy = specAndStatus<Ingress>();

export const ingress: ResourceDefinition<Ingress> = define<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  singular: "ingress",
  shortNames: ["ing"],
  namespaced: true,
  model: "V1Ingress",
  subresources: [statusOf("Ingress")],
  setDefaults(o) {
    o.status ??= {};
    o.status.loadBalancer ??= {};
  },
  ...strategy,
  prepareForCreate(o, ctx) {
    strategy.prepareForCreate(o, ctx);
    o.status = { loadBalancer: {} };
  },
  validate: validateNew,
  validateUpdate: validate,
  validateStatusUpdate: validateStatus,
  warnings(o, old) {
    if (old)
      return (o.status?.loadBalancer?.ingress ?? []).flatMap((i, n) =>
        warnIP(`status.loadBalancer.ingress[${n}]`, i.ip ?? ""),
      );
    return o.metadata.annotations?.[classAnnotation] !== undefined && o.spec?.ingressClassName == null
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [];
  },
  columns: [
    nameColumn,
    column("Class", "The IngressClass.", (o) => o.spec?.ingressClassName ?? "<none>"),
    column("Hosts", "The hosts that rules name.", hosts),
    column("Address", "Where requests enter.", addresses),
    column("Ports", "80, and 443 with TLS.", (o) => (o.spec?.tls?.length ? "80, 443" : "80")),
    ageColumn,
  ],
});
