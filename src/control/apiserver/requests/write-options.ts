// The query parameters of a write: dryRun, fieldManager, fieldValidation, force (apimachinery meta/v1/validation).
import { type FieldError, invalid } from "../../../core/api/status.ts";

const kinds: Record<string, string> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
  PATCH: "PatchOptions",
  DELETE: "DeleteOptions",
};
const maxManagerBytes = 128;

function managerErrors(manager: string): FieldError[] {
  const out: FieldError[] = [];
  const error = (type: FieldError["type"], detail: string): void => {
    out.push({ type, field: "fieldManager", value: manager, detail });
  };
  if (Buffer.byteLength(manager) > maxManagerBytes)
    error("FieldValueTooLong", `may not be more than ${maxManagerBytes} bytes`);
  if (/\p{C}/u.test(manager)) error("FieldValueInvalid", "should only contain printable characters");
  return out;
}

/** Throws StatusError 422 with all that is wrong. `patchType` is that of a PATCH: "json", "merge", "strategic", "apply". */
export function checkWriteOptions(method: string, query: URLSearchParams, patchType?: string): void {
  const errors: FieldError[] = [];
  const manager = query.get("fieldManager") ?? "";
  if (patchType === "apply" && manager === "")
    errors.push({ type: "FieldValueRequired", field: "fieldManager", detail: "is required for apply patch" });
  if (patchType !== undefined && patchType !== "apply" && query.has("force"))
    errors.push({
      type: "FieldValueForbidden",
      field: "force",
      detail: "may not be specified for non-apply patch",
    });
  errors.push(...managerErrors(manager));
  const dryRun = query.getAll("dryRun").filter((v) => v !== "");
  if (dryRun.some((v) => v !== "All"))
    errors.push({
      type: "FieldValueNotSupported",
      field: "dryRun",
      value: dryRun,
      detail: 'supported values: "All"',
    });
  const validation = query.get("fieldValidation") ?? "";
  if (!["", "Strict", "Warn", "Ignore"].includes(validation))
    errors.push({
      type: "FieldValueNotSupported",
      field: "fieldValidation",
      value: validation,
      detail: 'supported values: "", "Ignore", "Strict", "Warn"',
    });
  if (errors.length > 0)
    throw invalid({ group: "meta.k8s.io", kind: kinds[method] ?? "CreateOptions" }, "", errors);
}
