// What is served: the definitions by group, version and plural, and where each one's objects are kept in the store.
import type { ResourceDefinition, Verb } from "../../core/api/resource.ts";
import type { Subject } from "../../core/api/status.ts";

const allVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

export interface Registry {
  readonly definitions: readonly ResourceDefinition[];
  find(group: string, version: string, plural: string): ResourceDefinition | undefined;
  /** By `v1` or `apps/v1` and kind. */
  byKind(apiVersion: string, kind: string): ResourceDefinition | undefined;
  hasVersion(group: string, version: string): boolean;
  /** Groups in the order of their definitions, "" left out; each with its versions. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

export function createRegistry(definitions: readonly ResourceDefinition[]): Registry {
  const byPath = new Map<string, ResourceDefinition>();
  const byKind = new Map<string, ResourceDefinition>();
  const groups = new Map<string, string[]>();
  for (const def of definitions) {
    byPath.set(`${def.group}/${def.version}/${def.plural}`, def);
    byKind.set(`${apiVersionOfDefinition(def)} ${def.kind}`, def);
    const versions = groups.get(def.group) ?? [];
    if (!versions.includes(def.version)) versions.push(def.version);
    groups.set(def.group, versions);
  }
  const named = new Map([...groups].filter(([group]) => group !== ""));
  return {
    definitions,
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    byKind: (apiVersion, kind) => byKind.get(`${apiVersion} ${kind}`),
    hasVersion: (group, version) => groups.get(group)?.includes(version) ?? false,
    groups: named,
  };
}

export const verbsOf = (def: ResourceDefinition): readonly Verb[] => def.verbs ?? allVerbs;

export const apiVersionOfDefinition = (def: Pick<ResourceDefinition, "group" | "version">): string =>
  def.group === "" ? def.version : `${def.group}/${def.version}`;

export const subjectOf = (def: Pick<ResourceDefinition, "group" | "plural">): Subject => ({
  group: def.group,
  resource: def.plural,
});

/** Where all objects of the kind are, or those of one namespace; ends with a slash. */
export function storePrefix(def: ResourceDefinition, namespace?: string): string {
  const { group, plural } = def.storedAs ?? def;
  const root = `/registry/${group === "" ? "core" : group}/${plural}/`;
  return def.namespaced && namespace ? `${root}${namespace}/` : root;
}

export function storeKey(def: ResourceDefinition, namespace: string | undefined, name: string): string {
  return storePrefix(def, namespace) + name;
}
