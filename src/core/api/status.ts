// Refusals as Kubernetes words them: metav1.Status with its reasons, codes and messages (apimachinery api/errors).

/** metav1.StatusCause: one field of an invalid object. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** metav1.Status of a failed request. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number;
  };
  code?: number;
}

/** The kind of mistake in one field, worded as apimachinery's field.ErrorType. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueTooFew"
  | "FieldValueTooShort"
  | "FieldValueTypeInvalid"
  | "InternalError";

/** One mistake in one field. `value` is what came; `detail` says what was expected. */
export interface FieldError {
  type: FieldErrorType;
  /** Path as Kubernetes prints it: `spec.ports[0].port`, `metadata.labels`. */
  field: string;
  value?: unknown;
  detail: string;
}

const typeWords: Record<FieldErrorType, string> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueTooFew: "Too few",
  FieldValueTooShort: "Too short",
  FieldValueTypeInvalid: "Invalid value",
  InternalError: "Internal error",
};

/** The value part of a field error as Go prints it: strings quoted, composites as JSON. */
function printValue(value: unknown): string {
  if (value === undefined || value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return JSON.stringify(value);
}

/** `Invalid value: "x": must be …` (apimachinery field.Error.ErrorBody). */
function fieldErrorBody(e: FieldError): string {
  const word = typeWords[e.type];
  const bare =
    e.type === "FieldValueRequired" ||
    e.type === "FieldValueForbidden" ||
    e.type === "FieldValueTooLong" ||
    e.type === "FieldValueTooShort" ||
    e.type === "InternalError";
  const head = bare || e.value === undefined ? word : `${word}: ${printValue(e.value)}`;
  return e.detail === "" ? head : `${head}: ${e.detail}`;
}

/** `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`. */
export function fieldErrorMessage(e: FieldError): string {
  return `${e.field}: ${fieldErrorBody(e)}`;
}

/** A refused request. Thrown by clients and inside the API server's handlers; carries the Status it answers. */
export class StatusError extends Error {
  readonly status: Status;
  constructor(status: Status, options?: { cause?: unknown }) {
    super(status.message ?? status.reason ?? "request failed", options);
    this.name = "StatusError";
    this.status = status;
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  get reason(): string {
    return this.status.reason ?? "Unknown";
  }
}

/** What a refusal is about: plural resource (or kind, for Invalid) and its group. */
export interface Subject {
  group: string;
  resource: string;
}

function qualified(s: Subject): string {
  return s.group === "" ? s.resource : `${s.resource}.${s.group}`;
}

/** As Go encodes it: what is empty is left out. */
const about = (name: string, group: string, kind: string): Status["details"] => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind,
});

export function failure(
  code: number,
  reason: string,
  message: string,
  details?: Status["details"],
): StatusError {
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  };
  return new StatusError(status);
}

export function notFound(s: Subject, name: string): StatusError {
  return failure(404, "NotFound", `${qualified(s)} "${name}" not found`, {
    ...about(name, s.group, s.resource),
  });
}
export function alreadyExists(s: Subject, name: string): StatusError {
  return failure(409, "AlreadyExists", `${qualified(s)} "${name}" already exists`, {
    ...about(name, s.group, s.resource),
  });
}
export function conflict(s: Subject, name: string, why: string): StatusError {
  return failure(409, "Conflict", `Operation cannot be fulfilled on ${qualified(s)} "${name}": ${why}`, {
    ...about(name, s.group, s.resource),
  });
}
export const modifiedConflict = (s: Subject, name: string): StatusError =>
  conflict(
    s,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
export function forbidden(s: Subject, name: string, why: string): StatusError {
  return failure(403, "Forbidden", `${qualified(s)} "${name}" is forbidden: ${why}`, {
    ...about(name, s.group, s.resource),
  });
}
/** 422 with one cause a field. `kind` is the kind's name, e.g. `Service`. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  errors: FieldError[],
): StatusError {
  const messages = [...new Set(errors.map(fieldErrorMessage))];
  const text = messages.length === 1 ? messages[0]! : `[${messages.join(", ")}]`;
  const word = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  return failure(422, "Invalid", `${word} "${name}" is invalid: ${text}`, {
    ...about(name, kind.group, kind.kind),
    causes: errors.map((e) => ({ reason: e.type, message: fieldErrorBody(e), field: e.field })),
  });
}
export const badRequest = (message: string): StatusError => failure(400, "BadRequest", message);
/** A path that is served, but not by this method. */
export const methodNotAllowed = (): StatusError =>
  failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
export const expired = (message: string): StatusError => failure(410, "Expired", message);
export const gone = (message: string): StatusError => failure(410, "Gone", message);
export const unauthorized = (): StatusError => failure(401, "Unauthorized", "Unauthorized");
export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  failure(429, "TooManyRequests", message, { retryAfterSeconds });
export const timeout = (message: string, retryAfterSeconds = 1): StatusError =>
  failure(504, "Timeout", message, { retryAfterSeconds });
export const unsupportedMediaType = (message: string): StatusError =>
  failure(415, "UnsupportedMediaType", message);
export const notAcceptable = (message: string): StatusError => failure(406, "NotAcceptable", message);
export const internalError = (why: string): StatusError =>
  failure(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] });

const hasReason = (e: unknown, ...reasons: string[]): boolean =>
  e instanceof StatusError && reasons.includes(e.reason);
export const isNotFound = (e: unknown): boolean => hasReason(e, "NotFound");
export const isAlreadyExists = (e: unknown): boolean => hasReason(e, "AlreadyExists");
export const isConflict = (e: unknown): boolean => hasReason(e, "Conflict");
export const isInvalid = (e: unknown): boolean => hasReason(e, "Invalid");
export const isExpired = (e: unknown): boolean => hasReason(e, "Expired", "Gone");
