// Server-side printing: objects as rows of a Table, and as PartialObjectMetadata (API concepts, "Receiving resources as Tables").
import type { Column, ResourceDefinition } from "../../../core/api/resource.ts";
import type { KubeObject } from "../../../core/api/types.ts";

export type IncludeObject = "Metadata" | "Object" | "None";

export interface TableOptions {
  version: string;
  includeObject: IncludeObject;
  now: number;
}

export function columnDefinition(c: Column): object {
  return {
    name: c.name,
    type: c.type === "date" ? "string" : c.type,
    format: c.format ?? "",
    description: c.description,
    priority: c.priority ?? 0,
  };
}

export function partialMetadata(obj: KubeObject, version = "v1"): object {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: obj.metadata,
  };
}

/** What of a kind a Table shows. */
export type Shown = Pick<ResourceDefinition, "columns" | "rowConditions">;

export function tableRow(def: Shown, obj: KubeObject, options: TableOptions): object {
  const cells = def.columns.map((c) => c.cell(obj, options.now));
  const row: Record<string, unknown> = { cells };
  const conditions = def.rowConditions?.(obj) ?? [];
  if (conditions.length > 0) row.conditions = conditions;
  if (options.includeObject === "Metadata") row.object = partialMetadata(obj, options.version);
  else if (options.includeObject === "Object") row.object = obj;
  else row.object = null;
  return row;
}

/** A Table of the given rows; metadata as the list's. */
export function table(def: Shown, rows: readonly object[], metadata: object, version: string): object {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: def.columns.map(columnDefinition),
    rows,
  };
}
