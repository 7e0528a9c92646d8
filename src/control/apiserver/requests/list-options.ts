// The options of LIST and WATCH that contradict each other, said all at once
// (apimachinery pkg/apis/meta/internalversion/validation).
import { type FieldError, invalid } from "../../../core/api/status.ts";

export interface MatchOptions {
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  sendInitialEvents?: boolean | undefined;
}

const forbidden = (field: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field,
  detail,
});

const unsupported = (value: string, ...supported: string[]): FieldError => ({
  type: "FieldValueNotSupported",
  field: "resourceVersionMatch",
  value,
  detail: `supported values: ${supported.map((s) => JSON.stringify(s)).join(", ")}`,
});

function listErrors(o: MatchOptions): FieldError[] {
  const errors: FieldError[] = [];
  const rule = o.resourceVersionMatch ?? "";
  const about = (detail: string): void =>
    void errors.push(forbidden("resourceVersionMatch", `resourceVersionMatch ${detail}`));
  if (rule !== "") {
    if (!o.resourceVersion) about("is forbidden unless resourceVersion is provided");
    if (o.continue) about("is forbidden when continue is provided");
    if (rule !== "Exact" && rule !== "NotOlderThan")
      errors.push(unsupported(rule, "Exact", "NotOlderThan", ""));
    if (rule === "Exact" && o.resourceVersion === "0") about('"exact" is forbidden for resourceVersion "0"');
  }
  if (o.sendInitialEvents !== undefined)
    errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

function watchErrors(o: MatchOptions): FieldError[] {
  const errors: FieldError[] = [];
  const rule = o.resourceVersionMatch ?? "";
  const about = (detail: string): void => void errors.push(forbidden("resourceVersionMatch", detail));
  if (o.sendInitialEvents !== undefined && rule !== "NotOlderThan")
    about("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (rule === "") return errors;
  if (o.sendInitialEvents === undefined)
    about("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (rule !== "NotOlderThan") errors.push(unsupported(rule, "NotOlderThan"));
  if (o.continue) about("resourceVersionMatch is forbidden when continue is provided");
  return errors;
}

/** Throws StatusError 422 with a cause a field. */
export function checkListOptions(options: MatchOptions, verb: "list" | "watch"): void {
  const errors = verb === "list" ? listErrors(options) : watchErrors(options);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
}
