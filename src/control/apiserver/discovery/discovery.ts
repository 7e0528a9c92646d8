// Discovery: what is served, in the aggregated form (v2) and the legacy ones (API concepts, "API discovery").
import type { ResourceDefinition, SubresourceDefinition } from "../../../core/api/resource.ts";
import { type Registry, verbsOf } from "../registry.ts";

const verbOrder = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const inOrder = (verbs: readonly string[]): string[] =>
  [...verbs].sort((a, b) => verbOrder.indexOf(a) - verbOrder.indexOf(b));

const versionsOf = (registry: Registry, group: string): string[] => [
  ...new Set(registry.definitions.filter((d) => d.group === group).map((d) => d.version)),
];

const definitionsOf = (registry: Registry, group: string, version: string): ResourceDefinition[] =>
  registry.definitions
    .filter((d) => d.group === group && d.version === version)
    .sort((a, b) => (a.plural < b.plural ? -1 : 1));

/** Kinds that are served but not stored: reviews of access and tokens. */
export interface VirtualResource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
}

export interface DiscoveryInput {
  registry: Registry;
  virtual: readonly VirtualResource[];
}

function groupVersions({ registry, virtual }: DiscoveryInput): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const group of registry.groups.keys()) groups.set(group, versionsOf(registry, group));
  for (const v of virtual) {
    if (v.group === "") continue;
    const versions = groups.get(v.group) ?? [];
    if (!versions.includes(v.version)) versions.push(v.version);
    groups.set(v.group, versions);
  }
  return groups;
}

function aggregatedResource(d: ResourceDefinition): object {
  const sub = (s: SubresourceDefinition): object => ({
    subresource: s.name,
    responseKind: { group: s.group ?? d.group, version: s.version ?? d.version, kind: s.kind },
    verbs: inOrder(s.verbs),
  });
  return {
    resource: d.plural,
    responseKind: { group: d.group, version: d.version, kind: d.kind },
    scope: d.namespaced ? "Namespaced" : "Cluster",
    singularResource: d.singular,
    verbs: inOrder(verbsOf(d)),
    ...(d.shortNames ? { shortNames: d.shortNames } : {}),
    ...(d.categories ? { categories: d.categories } : {}),
    ...(d.subresources?.length ? { subresources: d.subresources.map(sub) } : {}),
  };
}

const aggregatedVirtual = (v: VirtualResource): object => ({
  resource: v.plural,
  responseKind: { group: v.group, version: v.version, kind: v.kind },
  scope: v.namespaced ? "Namespaced" : "Cluster",
  singularResource: v.singular,
  verbs: v.verbs,
});

/** apidiscovery.k8s.io APIGroupDiscoveryList for /api (core) or /apis (the rest). */
export function aggregatedDiscovery(input: DiscoveryInput, core: boolean, version: string): object {
  const groups: [string, string[]][] = core
    ? [["", versionsOf(input.registry, "")]]
    : [...groupVersions(input)];
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { ...(group === "" ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((v) => ({
        version: v,
        resources: [
          ...definitionsOf(input.registry, group, v).map(aggregatedResource),
          ...input.virtual.filter((r) => r.group === group && r.version === v).map(aggregatedVirtual),
        ],
        freshness: "Current",
      })),
    })),
  };
}

export function legacyVersions(address: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }],
  };
}

function groupObject(group: string, versions: readonly string[]): Record<string, unknown> {
  const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] };
}

export function legacyGroups(input: DiscoveryInput): object {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [...groupVersions(input)].map(([g, versions]) => groupObject(g, versions)),
  };
}

export function legacyGroup(input: DiscoveryInput, group: string): object | undefined {
  const versions = groupVersions(input).get(group);
  return versions && { kind: "APIGroup", apiVersion: "v1", ...groupObject(group, versions) };
}

/** APIResourceList of one group and version; undefined when it is not served. */
export function legacyResources(input: DiscoveryInput, group: string, version: string): object | undefined {
  const definitions = definitionsOf(input.registry, group, version);
  const virtual = input.virtual.filter((v) => v.group === group && v.version === version);
  if (definitions.length === 0 && virtual.length === 0) return undefined;
  const resources: object[] = [];
  for (const d of definitions) {
    resources.push({
      name: d.plural,
      singularName: d.singular,
      namespaced: d.namespaced,
      kind: d.kind,
      verbs: inOrder(verbsOf(d)),
      ...(d.shortNames ? { shortNames: d.shortNames } : {}),
      ...(d.categories ? { categories: d.categories } : {}),
      storageVersionHash: storageHash(d),
    });
    for (const s of d.subresources ?? [])
      resources.push({
        name: `${d.plural}/${s.name}`,
        singularName: "",
        namespaced: d.namespaced,
        ...(s.group !== undefined && s.group !== d.group ? { group: s.group } : {}),
        ...(s.version !== undefined && (s.group !== d.group || s.version !== d.version)
          ? { version: s.version }
          : {}),
        kind: s.kind,
        verbs: inOrder(s.verbs),
      });
  }
  for (const v of virtual)
    resources.push({
      name: v.plural,
      singularName: v.singular,
      namespaced: v.namespaced,
      kind: v.kind,
      verbs: v.verbs,
    });
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources,
  };
}

/** Names the form in which a kind is stored; any stable text of eight bytes in base64 will do. */
function storageHash(d: ResourceDefinition): string {
  let hash = 14695981039346656037n;
  const { group, plural } = d.storedAs ?? d;
  for (const c of Buffer.from(`${group}/v1/${plural}`))
    hash = BigInt.asUintN(64, (hash ^ BigInt(c)) * 1099511628211n);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(hash);
  return bytes.toString("base64");
}
