// Environment variables of a container (kubernetes pkg/apis/core/validation ValidateEnv, ValidateEnvFrom).
import type { FieldError } from "../../../status.ts";
import type { Container, EnvVar } from "../../../types.ts";
import {
  checkName,
  configMapKey,
  dns1123Subdomain,
  envVarName,
  invalid,
  invalidEach,
  required,
} from "../../meta/mod.ts";
import { validateFieldRef, validateResourceFieldRef } from "./field-refs.ts";

function validateKeyRef(ref: { name?: string; key?: string }, path: string): FieldError[] {
  const name = ref.name ?? "";
  const errors = invalidEach(`${path}.name`, name, dns1123Subdomain(name));
  if (!ref.key) return [...errors, required(`${path}.key`)];
  return [...errors, ...invalidEach(`${path}.key`, ref.key, configMapKey(ref.key))];
}

function validateValueFrom(e: EnvVar, path: string): FieldError[] {
  const from = e.valueFrom;
  if (from == null) return [];
  const errors: FieldError[] = [];
  if (from.fieldRef) errors.push(...validateFieldRef(from.fieldRef, `${path}.fieldRef`, "env"));
  if (from.resourceFieldRef)
    errors.push(...validateResourceFieldRef(from.resourceFieldRef, `${path}.resourceFieldRef`, "env"));
  if (from.configMapKeyRef) errors.push(...validateKeyRef(from.configMapKeyRef, `${path}.configMapKeyRef`));
  if (from.secretKeyRef) errors.push(...validateKeyRef(from.secretKeyRef, `${path}.secretKeyRef`));
  const sources = Object.values(from).filter((s) => s != null).length;
  if (sources === 0)
    errors.push(
      invalid(
        path,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
      ),
    );
  else if (e.value) errors.push(invalid(path, "", "may not be specified when `value` is not empty"));
  else if (sources > 1)
    errors.push(invalid(path, "", "may not have more than one field specified at a time"));
  return errors;
}

export function validateEnv(env: Container["env"], path: string): FieldError[] {
  return (env ?? []).flatMap((e, i) => {
    const here = `${path}[${i}]`;
    const name = e.name
      ? invalidEach(`${here}.name`, e.name, envVarName(e.name))
      : [required(`${here}.name`)];
    return [...name, ...validateValueFrom(e, `${here}.valueFrom`)];
  });
}

function validateSource(ref: { name?: string }, path: string): FieldError[] {
  if (!ref.name) return [required(`${path}.name`)];
  return invalidEach(`${path}.name`, ref.name, checkName("dns1123subdomain", ref.name, true));
}

export function validateEnvFrom(from: Container["envFrom"], path: string): FieldError[] {
  return (from ?? []).flatMap((e, i) => {
    const here = `${path}[${i}]`;
    const errors = e.prefix ? invalidEach(`${here}.prefix`, e.prefix, envVarName(e.prefix)) : [];
    if (e.configMapRef) errors.push(...validateSource(e.configMapRef, `${here}.configMapRef`));
    if (e.secretRef) errors.push(...validateSource(e.secretRef, `${here}.secretRef`));
    if (!e.configMapRef && !e.secretRef)
      errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (e.configMapRef && e.secretRef)
      errors.push(invalid(path, "", "may not have more than one field specified at a time"));
    return errors;
  });
}
