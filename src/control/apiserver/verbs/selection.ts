// What a list or watch is narrowed to: label and field selectors read once, then asked of each object.
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { parseFieldSelector, parseLabelSelector, requirementsMatch } from "../../../core/api/selector/mod.ts";
import { badRequest } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";

export interface Selection {
  /** undefined: everything matches and no object need be parsed. */
  matches: ((obj: KubeObject) => boolean) | undefined;
  /** The one name asked for by `metadata.name=…`, where there is one. */
  name: string | undefined;
  /** Likewise the namespace. */
  namespace: string | undefined;
}

export interface SelectorText {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

function fieldGetter(def: ResourceDefinition, field: string): (obj: KubeObject) => string {
  if (field === "metadata.name") return (obj) => obj.metadata.name ?? "";
  if (field === "metadata.namespace") return (obj) => obj.metadata.namespace ?? "";
  if (def.fields && Object.hasOwn(def.fields, field)) return def.fields[field]!;
  if (def.fields) throw badRequest(`field label not supported: ${field}`);
  throw badRequest(
    `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

/** Throws StatusError 400 for a selector that cannot be read or a field that the kind does not know. */
export function parseSelection(def: ResourceDefinition, text: SelectorText): Selection {
  const labels = text.labelSelector ? parseLabelSelector(text.labelSelector) : [];
  const fields = text.fieldSelector ? parseFieldSelector(text.fieldSelector) : [];
  const tests = fields.map((f) => {
    const get = fieldGetter(def, f.field);
    return f.operator === "="
      ? (obj: KubeObject) => get(obj) === f.value
      : (obj: KubeObject) => get(obj) !== f.value;
  });
  const only = (field: string): string | undefined =>
    fields.find((f) => f.field === field && f.operator === "=")?.value;
  const selection: Selection = {
    matches: undefined,
    name: only("metadata.name"),
    namespace: def.namespaced ? only("metadata.namespace") : undefined,
  };
  if (labels.length > 0 || tests.length > 0)
    selection.matches = (obj) =>
      requirementsMatch(labels, obj.metadata.labels) && tests.every((test) => test(obj));
  return selection;
}
