// Requests and limits (kubernetes pkg/apis/core/validation validateResourceRequirements).

import {
  compareQuantities,
  printQuantity,
  type Quantity,
  quantityError,
  scaledValue,
} from "../../../quantity/mod.ts";
import type { FieldError } from "../../../status.ts";
import type { Container, PodSpec } from "../../../types.ts";
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  qualifiedName,
  required,
} from "../../meta/mod.ts";
import { aggregateResources, type ResourceList, readQuantity } from "../resource-list.ts";

type Requirements = NonNullable<Container["resources"]>;

const standardContainer = new Set(["cpu", "memory", "ephemeral-storage"]);
const standard = new Set([
  ...standardContainer,
  ...["requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory"],
  ...["limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets"],
  ...["configmaps", "persistentvolumeclaims", "storage", "requests.storage", "services.nodeports"],
  "services.loadbalancers",
]);
const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
/** A resource of a vendor, that a node counts in whole pieces. */
export const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
/** What may be requested without a limit, or less than it. */
const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

function resourceName(name: string, path: string): FieldError[] {
  const errors = invalidEach(path, name, qualifiedName(name));
  if (errors.length > 0 || name.includes("/") || standard.has(name) || isHugePages(name)) return errors;
  return [invalid(path, name, "must be a standard resource type or fully qualified")];
}

function containerResourceName(name: string, path: string): FieldError[] {
  const errors = resourceName(name, path);
  if (!name.includes("/")) {
    if (!standardContainer.has(name) && !isHugePages(name))
      errors.push(invalid(path, name, "must be a standard resource for containers"));
  } else if (!isNative(name) && !isExtendedResource(name))
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  return errors;
}

function podResourceName(name: string, path: string): FieldError[] {
  const errors = resourceName(name, path);
  if (errors.length > 0 || name === "cpu" || name === "memory" || isHugePages(name)) return errors;
  return [notSupported(path, name, ["cpu", "memory"])];
}

function validateAmount(
  name: string,
  text: string,
  path: string,
): { q: Quantity | undefined; errors: FieldError[] } {
  const q = readQuantity(text);
  if (!q) return { q, errors: [invalid(path, text, quantityError(String(text)) ?? "")] };
  const errors: FieldError[] = [];
  if (q.unscaled < 0n) errors.push(invalid(path, printQuantity(q), "must be greater than or equal to 0"));
  if (isExtendedResource(name) && scaledValue(q, -3) % 1000n !== 0n)
    errors.push(invalid(path, printQuantity(q), "must be an integer"));
  return { q, errors };
}

const BINARY = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n } as const;

function hugePagesWhole(name: string, q: Quantity, path: string): FieldError[] {
  if (!isHugePages(name)) return [];
  const size = /^hugepages-(\d+)(Ki|Mi|Gi|Ti)$/.exec(name);
  if (!size) return [];
  const page = BigInt(size[1]!) << BINARY[size[2] as keyof typeof BINARY];
  if (page > 0n && scaledValue(q, 0) % page === 0n) return [];
  const text = printQuantity(q);
  return [invalid(path, text, `${text} is not positive integer multiple of ${name}`)];
}

function validateRequirements(
  r: Requirements,
  path: string,
  checkName: (name: string, path: string) => FieldError[],
): FieldError[] {
  const errors: FieldError[] = [];
  const limits: ResourceList = r.limits ?? {};
  const requests: ResourceList = r.requests ?? {};
  for (const [name, text] of Object.entries(limits)) {
    const here = `${path}.limits[${name}]`;
    const amount = validateAmount(name, text, here);
    errors.push(...checkName(name, here), ...amount.errors);
    if (amount.q) errors.push(...hugePagesWhole(name, amount.q, here));
  }
  for (const [name, text] of Object.entries(requests)) {
    const here = `${path}.requests[${name}]`;
    const amount = validateAmount(name, text, here);
    errors.push(...checkName(name, here), ...amount.errors);
    const limit = Object.hasOwn(limits, name) ? readQuantity(limits[name]) : undefined;
    if (amount.q && limit) {
      const order = compareQuantities(amount.q, limit);
      const said = [printQuantity(amount.q), `${name} limit of ${printQuantity(limit)}`] as const;
      if (order !== 0 && !mayOvercommit(name))
        errors.push(invalid(`${path}.requests`, said[0], `must be equal to ${said[1]}`));
      else if (order > 0)
        errors.push(invalid(`${path}.requests`, said[0], `must be less than or equal to ${said[1]}`));
    } else if (!Object.hasOwn(limits, name) && !mayOvercommit(name))
      errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    if (amount.q) errors.push(...hugePagesWhole(name, amount.q, here));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((n) => n === "cpu" || n === "memory"))
    errors.push(forbidden(path, "HugePages require cpu or memory"));
  return errors;
}

function validateClaims(
  claims: Requirements["claims"],
  path: string,
  known: ReadonlySet<string>,
): FieldError[] {
  const seen = new Set<string>();
  return (claims ?? []).flatMap((c, i) => {
    const here = `${path}[${i}]`;
    if (!c.name) return [required(here)];
    const key = c.request ? `${c.name}/${c.request}` : c.name;
    const errors = seen.has(key) || seen.has(c.name) ? [duplicate(here, key)] : [];
    seen.add(key);
    if (!known.has(c.name)) {
      const which = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
      errors.push({
        type: "FieldValueNotFound",
        field: here,
        value: c.name,
        detail: `must be one of the names in pod.spec.resourceClaims${which}`,
      });
    }
    return errors;
  });
}

export function validateContainerResources(
  r: Container["resources"],
  path: string,
  claims: ReadonlySet<string>,
): FieldError[] {
  if (r == null) return [];
  return [
    ...validateRequirements(r, path, containerResourceName),
    ...validateClaims(r.claims, `${path}.claims`, claims),
  ];
}

export const validateOverhead = (overhead: ResourceList, path: string): FieldError[] =>
  validateRequirements({ limits: overhead }, path, containerResourceName);

/** Resources of the pod as a whole (KEP-2837). */
export function validatePodResources(spec: PodSpec, path: string): FieldError[] {
  const r = spec.resources;
  if (r == null) return [];
  const errors = r.claims
    ? [forbidden(`${path}.claims`, "claims cannot be set for Resources at pod-level")]
    : [];
  errors.push(...validateRequirements(r, path, podResourceName));
  for (const [name, q] of aggregateResources(spec, "requests")) {
    const pod = readQuantity(r.requests?.[name] ?? "0");
    if (pod && compareQuantities(q, pod) > 0)
      errors.push(
        invalid(
          `${path}.requests[${name}]`,
          printQuantity(pod),
          `must be greater than or equal to aggregate container requests of ${printQuantity(q)}`,
        ),
      );
  }
  for (const [i, c] of (spec.containers ?? []).entries())
    for (const [name, text] of Object.entries(c.resources?.limits ?? {})) {
      const pod = r.limits?.[name] === undefined ? undefined : readQuantity(r.limits[name]);
      const q = readQuantity(text);
      if (pod && q && compareQuantities(q, pod) > 0)
        errors.push(
          invalid(
            `${path}.containers[${i}][${name}].limits`,
            printQuantity(q),
            `must be less than or equal to pod limits of ${printQuantity(pod)}`,
          ),
        );
    }
  return errors;
}

const resizable = ["cpu", "memory"];
const resizePolicies = ["NotRequired", "RestartContainer"];

export function validateResizePolicy(
  policies: Container["resizePolicy"],
  path: string,
  podRestartPolicy: string | undefined,
): FieldError[] {
  const seen = new Set<string>();
  return (policies ?? []).flatMap((p, i) => {
    const errors: FieldError[] = [];
    if (seen.has(p.resourceName)) errors.push(duplicate(`${path}[${i}]`, p.resourceName));
    seen.add(p.resourceName);
    if (!p.resourceName) errors.push(required(path));
    else if (!resizable.includes(p.resourceName)) errors.push(notSupported(path, p.resourceName, resizable));
    if (!p.restartPolicy) errors.push(required(path));
    else if (!resizePolicies.includes(p.restartPolicy))
      errors.push(notSupported(path, p.restartPolicy, resizePolicies));
    if (podRestartPolicy === "Never" && p.restartPolicy !== "NotRequired")
      errors.push(invalid(path, p.restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    return errors;
  });
}
