// References to a pod's own fields and to its containers' resources, in env and in volumes (downward API).

import { printQuantity } from "../../../quantity/mod.ts";
import type { FieldError } from "../../../status.ts";
import { invalid, invalidEach, notSupported, qualifiedName, required } from "../../meta/mod.ts";
import { readQuantity } from "../resource-list.ts";

const envFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const volumeFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const convertible = new Set([
  ...envFields,
  ...volumeFields,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);
const resourceFields = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function validateFieldRef(
  ref: { apiVersion?: string; fieldPath?: string },
  path: string,
  where: "env" | "volume",
): FieldError[] {
  const fields = where === "env" ? envFields : volumeFields;
  if (!ref.apiVersion) return [required(`${path}.apiVersion`)];
  if (!ref.fieldPath) return [required(`${path}.fieldPath`)];
  const at = `${path}.fieldPath`;
  const subscript = /^(.*)\['(.*)'\]$/.exec(ref.fieldPath);
  const base = subscript ? subscript[1]! : ref.fieldPath;
  const converts = ref.fieldPath === "spec.host" || (convertible.has(base) && ref.apiVersion === "v1");
  if (!converts) {
    const why =
      ref.apiVersion === "v1"
        ? `field label not supported: ${ref.fieldPath}`
        : `unsupported pod version: ${ref.apiVersion}`;
    return [invalid(at, ref.fieldPath, `error converting fieldPath: ${why}`)];
  }
  if (!subscript)
    return fields.includes(base) || ref.fieldPath === "spec.host" ? [] : [notSupported(at, base, fields)];
  const key = subscript[2]!;
  if (base === "metadata.annotations")
    return invalidEach(path, key.toLowerCase(), qualifiedName(key.toLowerCase()));
  if (base === "metadata.labels") return invalidEach(path, key, qualifiedName(key));
  return [invalid(path, base, "does not support subscript")];
}

const sizes = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

function validateDivisor(resource: string, divisor: string | undefined, path: string): FieldError[] {
  const q = readQuantity(divisor ?? "0");
  if (!q || q.unscaled === 0n) return [];
  const text = printQuantity(q);
  const kind = resource.slice(resource.indexOf(".") + 1);
  const bytes: Record<string, string> = { memory: "memory", "ephemeral-storage": "local ephemeral storage" };
  const what = kind.startsWith("hugepages-") ? "hugepages" : bytes[kind];
  const at = `${path}.divisor`;
  if (kind === "cpu" && text !== "1" && text !== "1m")
    return [invalid(at, resource, "only divisor's values 1m and 1 are supported with the cpu resource")];
  if (what !== undefined && !sizes.split(", ").includes(text))
    return [invalid(at, resource, `only divisor's values ${sizes} are supported with the ${what} resource`)];
  return [];
}

export function validateResourceFieldRef(
  ref: { containerName?: string; resource?: string; divisor?: string },
  path: string,
  where: "env" | "volume",
): FieldError[] {
  const errors: FieldError[] = [];
  const resource = ref.resource ?? "";
  if (where === "volume" && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (resource === "") errors.push(required(`${path}.resource`));
  else if (!resourceFields.includes(resource) && !/^(requests|limits)\.hugepages-/.test(resource))
    errors.push(notSupported(`${path}.resource`, resource, resourceFields));
  return [...errors, ...validateDivisor(resource, ref.divisor, path)];
}
