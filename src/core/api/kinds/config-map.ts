// v1 ConfigMap (kubernetes pkg/registry/core/configmap).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { ConfigMap } from "../types.ts";
import { byteLengthOfBase64 } from "./base64.ts";
import { define } from "./define.ts";
import { configMapKey, forbidden, invalid, invalidEach, semanticEqual, tooLong, WHOLE } from "./meta/mod.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

const MAX_SIZE = 1024 * 1024;

function validate(c: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(c.data ?? {})) {
    errors.push(...invalidEach(`data[${key}]`, key, configMapKey(key)));
    if (Object.hasOwn(c.binaryData ?? {}, key))
      errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(c.binaryData ?? {})) {
    errors.push(...invalidEach(`binaryData[${key}]`, key, configMapKey(key)));
    size += byteLengthOfBase64(value);
  }
  return size > MAX_SIZE ? [...errors, tooLong(WHOLE, MAX_SIZE)] : errors;
}

function validateKept(c: ConfigMap, old: ConfigMap): FieldError[] {
  if (old.immutable !== true) return [];
  const why = "field is immutable when `immutable` is set";
  const errors = c.immutable === true ? [] : [forbidden("immutable", why)];
  for (const key of ["data", "binaryData"] as const)
    if (!semanticEqual(c[key], old[key])) errors.push(forbidden(key, why));
  return errors;
}

export const configMap: ResourceDefinition<ConfigMap> = define<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  namespaced: true,
  model: "V1ConfigMap",
  validate,
  validateUpdate: (c, old) => [...validateKept(c, old), ...validate(c)],
  columns: [
    nameColumn,
    column(
      "Data",
      "How many keys it holds.",
      (c) => Object.keys(c.data ?? {}).length + Object.keys(c.binaryData ?? {}).length,
    ),
    ageColumn,
  ],
});
