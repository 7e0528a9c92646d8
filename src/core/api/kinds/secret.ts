// v1 Secret (kubernetes pkg/registry/core/secret).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { Secret } from "../types.ts";
import { byteLengthOfBase64 } from "./base64.ts";
import { define } from "./define.ts";
import {
  configMapKey,
  forbidden,
  immutable,
  invalid,
  invalidEach,
  required,
  semanticEqual,
  tooLong,
} from "./meta/mod.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

const MAX_SIZE = 1024 * 1024;
const ACCOUNT = "kubernetes.io/service-account.name";

function json(data: Record<string, string>, key: string): FieldError[] {
  const path = `data[${key}]`;
  if (!Object.hasOwn(data, key)) return [required(path)];
  const text = Buffer.from(data[key]!, "base64").toString();
  const bad = (why: string) => [invalid(path, "<secret contents redacted>", why)];
  if (text.trim() === "") return bad("unexpected end of JSON input");
  try {
    const value: unknown = JSON.parse(text);
    return value === null || (typeof value === "object" && !Array.isArray(value))
      ? []
      : bad("json: cannot unmarshal into Go value of type map[string]interface {}");
  } catch {
    return bad(
      `invalid character ${JSON.stringify(text.trim()[0]).replaceAll('"', "'")} looking for beginning of value`,
    );
  }
}

function validateType(s: Secret, data: Record<string, string>): FieldError[] {
  const has = (key: string) => Object.hasOwn(data, key);
  const missing = (...keys: string[]) => keys.filter((k) => !has(k)).map((k) => required(`data[${k}]`));
  switch (s.type) {
    case "kubernetes.io/service-account-token":
      return s.metadata.annotations?.[ACCOUNT] ? [] : [required(`metadata.annotations[${ACCOUNT}]`)];
    case "kubernetes.io/dockercfg":
      return json(data, ".dockercfg");
    case "kubernetes.io/dockerconfigjson":
      return json(data, ".dockerconfigjson");
    case "kubernetes.io/basic-auth":
      return has("username") || has("password") ? [] : missing("username", "password");
    case "kubernetes.io/ssh-auth":
      return data["ssh-privatekey"] ? [] : [required("data[ssh-privatekey]")];
    case "kubernetes.io/tls":
      return missing("tls.crt", "tls.key");
    default:
      return [];
  }
}

function validate(s: Secret): FieldError[] {
  const data = s.data ?? {};
  const errors = Object.keys(data).flatMap((key) => invalidEach(`data[${key}]`, key, configMapKey(key)));
  const size = Object.values(data).reduce((n, v) => n + byteLengthOfBase64(v), 0);
  if (size > MAX_SIZE) errors.push(tooLong("data", MAX_SIZE));
  return [...errors, ...validateType(s, data)];
}

function validateKept(s: Secret, old: Secret): FieldError[] {
  const errors = immutable("type", s.type, old.type);
  if (old.immutable !== true) return errors;
  const why = "field is immutable when `immutable` is set";
  if (s.immutable !== true) errors.push(forbidden("immutable", why));
  if (!semanticEqual(s.data, old.data)) errors.push(forbidden("data", why));
  return errors;
}

export const secret: ResourceDefinition<Secret> = define<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  namespaced: true,
  model: "V1Secret",
  setDefaults(s) {
    s.type ||= "Opaque";
    if (s.stringData) {
      const data = Object.entries(s.stringData).map(([k, v]) => [k, Buffer.from(v).toString("base64")]);
      s.data = Object.fromEntries([...Object.entries(s.data ?? {}), ...data]);
      delete s.stringData;
    }
  },
  validate,
  validateUpdate: (s, old) => [...validateKept(s, old), ...validate(s)],
  columns: [
    nameColumn,
    column("Type", "Used to facilitate programmatic handling of secret data.", (s) => s.type ?? ""),
    column("Data", "How many keys it holds.", (s) => Object.keys(s.data ?? {}).length),
    ageColumn,
  ],
  fields: { type: (s) => s.type ?? "" },
});
