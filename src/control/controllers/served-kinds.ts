// References to every kind that the API server stores, for controllers that deal with all of them.
import { definitions } from "../../core/api/kinds/mod.ts";
import { apiVersionOf, type ResourceRef } from "../../core/api/refs.ts";
import type { KubeObject } from "../../core/api/types.ts";

/** Second views of stored objects (events.k8s.io) are left out, and what is only told (ComponentStatus). */
export const servedKinds: readonly ResourceRef<KubeObject>[] = definitions
  .filter((d) => !d.storedAs && (d.verbs ?? ["list", "watch", "delete"]).includes("watch"))
  .map((d) => ({
    group: d.group,
    version: d.version,
    resource: d.plural,
    kind: d.kind,
    namespaced: d.namespaced,
  }));

const byKind = new Map(servedKinds.map((r) => [`${r.group}/${r.kind}`, r]));

/** The resource of a kind, whichever version of its group an owner reference names. */
export function servedKind(apiVersion: string, kind: string): ResourceRef<KubeObject> | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return byKind.get(`${group}/${kind}`);
}

export const resourceName = (ref: ResourceRef): string => `${ref.resource}.${apiVersionOf(ref)}`;
