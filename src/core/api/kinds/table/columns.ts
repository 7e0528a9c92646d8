// Columns that many kinds share, and small pieces of cells (kubernetes pkg/printers/internalversion).
import type { Column } from "../../resource.ts";
import type { KubeObject, PodTemplateSpec } from "../../types.ts";
import { age } from "./human-duration.ts";

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (o) => o.metadata.name ?? "",
};

export const ageColumn: Column = {
  name: "Age",
  type: "string",
  description: "Time since the object was created.",
  cell: (o, now) => age(o.metadata.creationTimestamp, now),
};

/** A column from its name; see `Column`. */
export function column<T extends KubeObject>(
  name: string,
  description: string,
  cell: (obj: T, now: number) => string | number | boolean,
  options: { type?: Column["type"]; wide?: boolean } = {},
): Column<T> {
  return {
    name,
    type: options.type ?? "string",
    description,
    ...(options.wide ? { priority: 1 } : {}),
    cell,
  };
}

/** The columns of every kind that has a template of pods; wide unless said otherwise. */
export function templateColumns<T extends KubeObject>(
  template: (obj: T) => PodTemplateSpec | undefined,
  { wide }: { wide: boolean } = { wide: true },
): Column<T>[] {
  const containers = (o: T) => template(o)?.spec?.containers ?? [];
  return [
    column(
      "Containers",
      "Names of each container in the template.",
      (o) =>
        containers(o)
          .map((c) => c.name)
          .join(","),
      { wide },
    ),
    column(
      "Images",
      "Images referenced by each container in the template.",
      (o) =>
        containers(o)
          .map((c) => c.image ?? "")
          .join(","),
      { wide },
    ),
  ];
}

/** The first few of a list, and how many more there are: `a,b,c + 2 more...`. */
export function firstFew(all: readonly string[], none: string, max = 3): string {
  if (all.length > max) return `${all.slice(0, max).join(",")} + ${all.length - max} more...`;
  return all.join(",") || none;
}
