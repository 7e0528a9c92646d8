// metadata as every kind has it (apimachinery api/validation/objectmeta.go).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ObjectMeta, OwnerReference } from "../../types.ts";
import {
  at,
  child,
  forbidden,
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  required,
  tooLong,
} from "./field.ts";
import { dns1123Label, dns1123Subdomain, labelValue, pathSegment, qualifiedName } from "./names.ts";
import { semanticEqual } from "./semantic-equal.ts";

type NameRule = NonNullable<ResourceDefinition["nameRule"]>;
const ANNOTATIONS_LIMIT = 256 * 1024;

const nameRules: Record<NameRule, (value: string) => string[]> = {
  dns1123subdomain: dns1123Subdomain,
  dns1123label: dns1123Label,
  path: pathSegment,
};

/** What is wrong with a name; `prefix` for a generateName, which may end in a dash. */
export function checkName(rule: NameRule, name: string, prefix = false): string[] {
  const masked = prefix && rule !== "path" && name.length > 1 && name.endsWith("-");
  return nameRules[rule](masked ? `${name.slice(0, -2)}a` : name);
}

export function validateLabels(
  labels: Record<string, string> | null | undefined,
  path: string,
): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([k, v]) => [
    ...invalidEach(path, k, qualifiedName(k)),
    ...invalidEach(path, v, labelValue(v)),
  ]);
}

export function validateAnnotations(
  annotations: Record<string, string> | null | undefined,
  path: string,
): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([k]) => invalidEach(path, k, qualifiedName(k.toLowerCase())));
  const size = entries.reduce((n, [k, v]) => n + Buffer.byteLength(k) + Buffer.byteLength(v), 0);
  return size > ANNOTATIONS_LIMIT ? [...errors, tooLong(path, ANNOTATIONS_LIMIT)] : errors;
}

function validateOwnerReference(ref: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!ref.apiVersion) errors.push(required(child(path, "apiVersion"), "must not be empty"));
  else if (ref.apiVersion.split("/").length > 2 || ref.apiVersion.endsWith("/"))
    errors.push(invalid(child(path, "apiVersion"), ref.apiVersion, "must be <group>/<version> or <version>"));
  for (const key of ["kind", "name", "uid"] as const)
    if (!ref[key]) errors.push(required(child(path, key), "must not be empty"));
  if (ref.apiVersion === "v1" && ref.kind === "Event")
    errors.push(invalid(path, ref, "/v1, Kind=Event is disallowed from being an owner"));
  return errors;
}

function validateOwnerReferences(
  refs: readonly OwnerReference[] | null | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let first = "";
  for (const [i, ref] of (refs ?? []).entries()) {
    errors.push(...validateOwnerReference(ref, at(path, i)));
    if (ref.controller !== true) continue;
    const name = `${ref.kind}/${ref.name}`;
    if (first === "") first = name;
    else
      errors.push(
        invalid(
          path,
          refs,
          `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${name}`,
        ),
      );
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[] | null | undefined, path: string): FieldError[] {
  const list = finalizers ?? [];
  const errors = list.flatMap((f) => invalidEach(path, f, qualifiedName(f)));
  if (list.includes("orphan") && list.includes("foregroundDeletion"))
    errors.push(invalid(path, list, "finalizer orphan and foregroundDeletion cannot be both set"));
  return errors;
}

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** A finalizer without a domain is one of Kubernetes' own. */
export function validateFinalizerNames(
  finalizers: readonly string[] | null | undefined,
  path: string,
): FieldError[] {
  const unknown = "name is neither a standard finalizer name nor is it fully qualified";
  return (finalizers ?? []).flatMap((f, i) =>
    f.includes("/") || standardFinalizers.has(f) ? [] : [invalid(at(path, i), f, unknown)],
  );
}

function validateManagedFields(meta: ObjectMeta, path: string): FieldError[] {
  return (meta.managedFields ?? []).flatMap((f, i) => {
    const here = at(path, i);
    const errors: FieldError[] = [];
    if (!f.operation) errors.push(required(child(here, "operation"), "must not be empty"));
    else if (f.operation !== "Apply" && f.operation !== "Update")
      errors.push(notSupported(child(here, "operation"), f.operation, ["Apply", "Update"]));
    if (f.fieldsType && f.fieldsType !== "FieldsV1")
      errors.push(invalid(child(here, "fieldsType"), f.fieldsType, "must be `FieldsV1`"));
    if (Buffer.byteLength(f.manager ?? "") > 128) errors.push(tooLong(child(here, "manager"), 128));
    if (Buffer.byteLength(f.subresource ?? "") > 256) errors.push(tooLong(child(here, "subresource"), 256));
    return errors;
  });
}

/** metadata of a new object, after its name was generated. */
export function validateObjectMeta(
  meta: ObjectMeta,
  kind: { namespaced: boolean; nameRule?: NameRule },
  path = "metadata",
): FieldError[] {
  const rule = kind.nameRule ?? "dns1123subdomain";
  const errors: FieldError[] = [];
  if (meta.generateName)
    errors.push(
      ...invalidEach(
        child(path, "generateName"),
        meta.generateName,
        checkName(rule, meta.generateName, true),
      ),
    );
  if (!meta.name) errors.push(required(child(path, "name"), "name or generateName is required"));
  else errors.push(...invalidEach(child(path, "name"), meta.name, checkName(rule, meta.name)));
  if (kind.namespaced) {
    if (!meta.namespace) errors.push(required(child(path, "namespace")));
    else errors.push(...invalidEach(child(path, "namespace"), meta.namespace, dns1123Label(meta.namespace)));
  } else if (meta.namespace) errors.push(forbidden(child(path, "namespace"), "not allowed on this type"));
  errors.push(
    ...notNegative(child(path, "generation"), meta.generation),
    ...validateLabels(meta.labels, child(path, "labels")),
    ...validateAnnotations(meta.annotations, child(path, "annotations")),
    ...validateOwnerReferences(meta.ownerReferences, child(path, "ownerReferences")),
    ...validateFinalizers(meta.finalizers, child(path, "finalizers")),
    ...validateManagedFields(meta, child(path, "managedFields")),
    ...validateFinalizerNames(meta.finalizers, child(path, "finalizers")),
  );
  return errors;
}

/** metadata of an object that replaces `old`. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = "metadata"): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const had = new Set(old.finalizers ?? []);
    const extra = [...new Set(meta.finalizers ?? [])].filter((f) => !had.has(f)).sort();
    if (extra.length > 0)
      errors.push(
        forbidden(
          child(path, "finalizers"),
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${extra.map((f) => JSON.stringify(f)).join(", ")}}`,
        ),
      );
  }
  errors.push(...notNegative(child(path, "generation"), meta.generation));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalid(child(path, "generation"), meta.generation ?? 0, "must not be decremented"));
  for (const key of [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ] as const)
    errors.push(...immutable(child(path, key), meta[key], old[key]));
  errors.push(
    ...validateLabels(meta.labels, child(path, "labels")),
    ...validateAnnotations(meta.annotations, child(path, "annotations")),
    ...validateOwnerReferences(meta.ownerReferences, child(path, "ownerReferences")),
    ...validateManagedFields(meta, child(path, "managedFields")),
    ...validateFinalizerNames(meta.finalizers, child(path, "finalizers")),
  );
  return errors;
}

/** The value must be what it was. */
export function immutable(path: string, value: unknown, old: unknown): FieldError[] {
  return semanticEqual(value, old) ? [] : [invalid(path, value, "field is immutable")];
}
