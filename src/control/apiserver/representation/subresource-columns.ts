// The columns of a subresource's object: Scale has its own, others what every kind has (pkg/printers/internalversion, printScale;
// apiserver's default table).
import { ageColumn, column, nameColumn } from "../../../core/api/kinds/mod.ts";
import type { Column } from "../../../core/api/resource.ts";
import type { Scale } from "../../../core/api/types.ts";

const scale: readonly Column[] = [
  nameColumn,
  column<Scale>("Desired", "Replicas that are wanted.", (s) => s.spec?.replicas ?? 0, {
    type: "integer",
  }) as Column,
  column<Scale>("Available", "Replicas that are there.", (s) => s.status?.replicas ?? 0, {
    type: "integer",
  }) as Column,
  ageColumn,
];

const others: readonly Column[] = [
  nameColumn,
  {
    name: "Created At",
    type: "date",
    description: "When the object was created.",
    cell: (o) => o.metadata.creationTimestamp ?? "",
  },
];

export function subresourceColumns(kind: string): readonly Column[] {
  return kind === "Scale" ? scale : others;
}
