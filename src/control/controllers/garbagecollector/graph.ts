// Who owns whom, over all kinds: kept from the informers' caches (pkg/controller/garbagecollector GraphBuilder).
import type { ResourceRef } from "../../../core/api/refs.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { Informers } from "../../client/mod.ts";
import { servedKinds } from "../served-kinds.ts";

export interface Known {
  ref: ResourceRef;
  obj: KubeObject;
}

export interface OwnerGraph {
  get(uid: string): Known | undefined;
  dependentsOf(uid: string): KubeObject[];
}

/**
 * `changed` is called with an object that is new or different (`old` as it was before), `gone` after an object and its
 * edges left the graph. Events own nothing and are owned by nothing: they are left out.
 */
export function createOwnerGraph(
  informers: Informers,
  told: { changed(known: Known, old: KubeObject | undefined): void; gone(obj: KubeObject): void },
): OwnerGraph {
  const byUid = new Map<string, Known>();
  const dependents = new Map<string, Set<string>>();

  function link(obj: KubeObject): void {
    for (const owner of obj.metadata.ownerReferences ?? []) {
      let set = dependents.get(owner.uid);
      if (!set) {
        set = new Set();
        dependents.set(owner.uid, set);
      }
      set.add(obj.metadata.uid!);
    }
  }
  function unlink(obj: KubeObject): void {
    for (const owner of obj.metadata.ownerReferences ?? []) {
      const set = dependents.get(owner.uid);
      set?.delete(obj.metadata.uid!);
      if (set?.size === 0) dependents.delete(owner.uid);
    }
  }

  for (const ref of servedKinds.filter((r) => r.resource !== "events")) {
    const put = (obj: KubeObject, old?: KubeObject): void => {
      if (old) unlink(old);
      const known = { ref, obj };
      byUid.set(obj.metadata.uid!, known);
      link(obj);
      told.changed(known, old);
    };
    informers.of(ref).on({
      added: (obj) => put(obj),
      updated: (obj, old) => put(obj, old),
      deleted(obj) {
        const known = byUid.get(obj.metadata.uid!);
        if (known) unlink(known.obj);
        byUid.delete(obj.metadata.uid!);
        told.gone(obj);
      },
    });
  }

  return {
    get: (uid) => byUid.get(uid),
    dependentsOf: (uid) =>
      [...(dependents.get(uid) ?? [])].map((d) => byUid.get(d)?.obj).filter((o) => o !== undefined),
  };
}
