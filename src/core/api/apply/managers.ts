// metadata.managedFields: who owns what, read and written (apimachinery util/managedfields).
import type { KubeObject } from "../types.ts";
import { difference, type Fields, isEmpty, ordered, parseFields, union } from "./fields.ts";

/** Who makes a change. */
export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  /** The version in which the change is made: `apps/v1`. */
  readonly apiVersion: string;
  /** "" for the object itself. */
  readonly subresource: string;
}

export interface Manager extends ManagerIdentity {
  readonly fields: Fields;
  readonly time: string | undefined;
}

type Entry = NonNullable<KubeObject["metadata"]["managedFields"]>[number];

/** Kubernetes keeps the names of this many updaters; what the oldest own goes to one entry together. */
const maxUpdaters = 10;
const ancient = "ancient-changes";

/** Fields that the system sets and nobody owns (managedfields/internal/stripmeta.go). */
const system: Fields = {
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": {
    ".": {},
    "f:name": {},
    "f:namespace": {},
    "f:creationTimestamp": {},
    "f:selfLink": {},
    "f:uid": {},
    "f:clusterName": {},
    "f:generation": {},
    "f:managedFields": {},
    "f:resourceVersion": {},
  },
};

export const withoutSystemFields = (fields: Fields): Fields => difference(fields, system);

/** Appliers are the same in every version. */
export function sameManager(a: ManagerIdentity, b: ManagerIdentity): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** The managers of an object; undefined when the entries are no such thing. */
export function readManagers(entries: readonly Entry[] | undefined): Manager[] | undefined {
  const out: Manager[] = [];
  for (const e of entries ?? []) {
    const operation = e.operation;
    const fields = e.fieldsV1 === undefined ? {} : parseFields(e.fieldsV1);
    if ((operation !== "Apply" && operation !== "Update") || !fields) return undefined;
    if (e.fieldsType !== undefined && e.fieldsType !== "FieldsV1") return undefined;
    out.push({
      manager: e.manager ?? "",
      operation,
      apiVersion: e.apiVersion ?? "",
      subresource: e.subresource ?? "",
      fields,
      time: e.time,
    });
  }
  return out;
}

function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter((m) => m.operation === "Update");
  if (updaters.length <= maxUpdaters) return managers;
  const oldest = [...updaters].sort((a, b) => (a.time ?? "").localeCompare(b.time ?? ""));
  const old = oldest.slice(0, updaters.length - maxUpdaters + 1);
  const rest = managers.filter((m) => !old.includes(m));
  const versions = groupByVersion(old);
  const merged = [...versions].map(([apiVersion, group]): Manager => {
    const fields = group.map((m) => m.fields).reduce(union);
    return {
      manager: ancient,
      operation: "Update",
      apiVersion,
      subresource: "",
      fields,
      time: group.at(-1)!.time,
    };
  });
  return [...rest, ...merged];
}

function groupByVersion(managers: readonly Manager[]): Map<string, Manager[]> {
  const out = new Map<string, Manager[]>();
  for (const m of managers) {
    const group = out.get(m.apiVersion);
    if (group) group.push(m);
    else out.set(m.apiVersion, [m]);
  }
  return out;
}

/** The entries in Kubernetes' order: appliers first, then by time, name, version. Managers of nothing are left out. */
export function writeManagers(managers: readonly Manager[]): Entry[] {
  const order = (m: Manager): string[] => [m.operation, m.time ?? "", m.manager, m.apiVersion, m.subresource];
  return capped(managers.filter((m) => !isEmpty(m.fields)))
    .map((m) => ({ m, key: order(m).join("\0") }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ m }) => ({
      manager: m.manager,
      operation: m.operation,
      apiVersion: m.apiVersion,
      ...(m.time === undefined ? {} : { time: m.time }),
      fieldsType: "FieldsV1",
      fieldsV1: ordered(m.fields),
      ...(m.subresource === "" ? {} : { subresource: m.subresource }),
    }));
}

/** The manager of a request that names none: the user agent up to its version, at most 128 characters. */
export function managerOf(fieldManager: string | null | undefined, userAgent: string | undefined): string {
  if (fieldManager) return fieldManager;
  const prefix = (userAgent ?? "").split("/")[0]!;
  return [...prefix].slice(0, 128).join("") || "unknown";
}
