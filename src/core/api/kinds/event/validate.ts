// Validation of events: the old rules for all, strict ones for events.k8s.io/v1 (kubernetes pkg/apis/core/validation/events.go).
// The strict rules speak of the fields as core/v1 names them, and put no value into some messages.
import type { FieldError } from "../../status.ts";
import type { CoreEvent } from "../../types.ts";
import {
  dns1123Subdomain,
  immutable,
  invalid,
  invalidEach,
  qualifiedName,
  required,
  semanticEqual,
} from "../meta/mod.ts";

const SHORT = 128;
const MESSAGE = 1024;

const limited = (field: string, value: string | undefined, limit: number): FieldError[] =>
  Buffer.byteLength(value ?? "") > limit ? [invalid(field, "", `can have at most ${limit} characters`)] : [];

function validateNamespace(e: CoreEvent): FieldError[] {
  const own = e.metadata.namespace ?? "";
  const about = e.involvedObject?.namespace ?? "";
  const free = e.eventTime ? ["default", "kube-system"] : ["", "default"];
  const fits = about === "" ? free.includes(own) : e.eventTime ? true : own === about;
  return fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")];
}

/** Rules for every event; those with an eventTime are of the new sort. */
export function validateEvent(e: CoreEvent): FieldError[] {
  const errors = validateNamespace(e);
  if (e.eventTime) {
    const controller = e.reportingComponent ?? "";
    if (controller === "") errors.push(required("reportingController"));
    errors.push(...invalidEach("reportingController", controller, qualifiedName(controller)));
    if (!e.reportingInstance) errors.push(required("reportingInstance"));
    errors.push(...limited("reportingInstance", e.reportingInstance, SHORT));
    if (!e.action) errors.push(required("action"));
    errors.push(...limited("action", e.action, SHORT));
    if (!e.reason) errors.push(required("reason"));
    errors.push(...limited("reason", e.reason, SHORT), ...limited("message", e.message, MESSAGE));
  }
  const namespace = e.metadata.namespace ?? "";
  return [...errors, ...invalidEach("namespace", namespace, dns1123Subdomain(namespace))];
}

function validateSeries(e: CoreEvent): FieldError[] {
  if (e.series == null) return [];
  const errors: FieldError[] = [];
  if ((e.series.count ?? 0) < 2) errors.push(invalid("series.count", "", "should be at least 2"));
  if (!e.series.lastObservedTime) errors.push(required("series.lastObservedTime"));
  return errors;
}

export function validateStrictEvent(e: CoreEvent): FieldError[] {
  const errors = [...validateEvent(e), ...validateSeries(e)];
  if (!e.eventTime) errors.push(required("eventTime"));
  if (e.type !== "Normal" && e.type !== "Warning")
    errors.push(invalid("type", "", `has invalid value: ${e.type ?? ""}`));
  const unset = "needs to be unset";
  if (e.firstTimestamp) errors.push(invalid("firstTimestamp", "", unset));
  if (e.lastTimestamp) errors.push(invalid("lastTimestamp", "", unset));
  if (e.count) errors.push(invalid("count", "", unset));
  if (e.source?.component || e.source?.host) errors.push(invalid("source", "", unset));
  return errors;
}

const kept = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
] as const;

/** Only the series of such an event changes. */
export function validateStrictEventUpdate(e: CoreEvent, old: CoreEvent): FieldError[] {
  return [
    ...validateEvent(e),
    ...(semanticEqual(e.series, old.series) ? [] : validateSeries(e)),
    ...kept.flatMap((key) => immutable(key, e[key], old[key])),
    ...immutable("reportingController", e.reportingComponent, old.reportingComponent),
    ...immutable("reportingInstance", e.reportingInstance, old.reportingInstance),
  ];
}
