// One mistake in one field, made with Kubernetes' words (apimachinery util/validation/field).
import type { FieldError } from "../../status.ts";

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field,
  value: value ?? null,
  detail,
});
export const required = (field: string, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  field,
  detail,
});
export const duplicate = (field: string, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  field,
  value: value ?? null,
  detail: "",
});
export const forbidden = (field: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field,
  detail,
});
export const notFound = (field: string, value: unknown): FieldError => ({
  type: "FieldValueNotFound",
  field,
  value: value ?? null,
  detail: "",
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: "FieldValueTooMany",
  field,
  value: actual,
  detail: `must have at most ${max} ${max === 1 ? "item" : "items"}`,
});
export const tooLong = (field: string, max: number): FieldError => ({
  type: "FieldValueTooLong",
  field,
  detail: max >= 0 ? `may not be more than ${max} ${max === 1 ? "byte" : "bytes"}` : "value is too long",
});

/** `Unsupported value: "x": supported values: "A", "B"`. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: "FieldValueNotSupported",
  field,
  value: value ?? "",
  detail: `supported values: ${supported.map((v) => JSON.stringify(v)).join(", ")}`,
});

/** One `invalid` for each message. */
export const invalidEach = (field: string, value: unknown, messages: readonly string[]): FieldError[] =>
  messages.map((m) => invalid(field, value, m));

export const notNegative = (field: string, value: number | null | undefined): FieldError[] =>
  value != null && value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];

/** `metadata.labels[app]`, `spec.ports[0]`. */
export const at = (path: string, key: string | number): string => `${path}[${key}]`;

/** The whole object, as Go prints a path without a name. */
export const WHOLE = "[]";

/** A child's path; the root is the empty string. */
export const child = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
