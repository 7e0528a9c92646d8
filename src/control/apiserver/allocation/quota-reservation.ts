// Nothing is made beyond a ResourceQuota of its namespace (ResourceQuota admission). What is used is counted in the store;
// writes that are under way are reserved, so that two at once cannot share what is left.
import { forbidden } from "../../../core/api/status.ts";
import type { Pod, ResourceQuota } from "../../../core/api/types.ts";
import {
  addUsage,
  countsFor,
  coversObject,
  exceeded,
  growth,
  hardNames,
  quotaUsage,
  type Usage,
  unspecified,
  usageOf,
} from "../../../core/quota/mod.ts";
import type { Store } from "../../store/mod.ts";
import type { Reserve } from "../context.ts";
import { subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";

const quotaPrefix = "/registry/core/resourcequotas/";

interface UnderWay {
  namespace: string;
  uid: string;
  covered: ReadonlySet<string>;
  more: Usage;
  created: boolean;
}

export function quotaReservation(store: Store, now: () => number): Reserve {
  const underWay = new Set<UnderWay>();
  return ({ operation, def, namespace, name, object, old, subresource }) => {
    if (operation === "DELETE" || namespace === undefined || !object || def.storedAs) return undefined;
    if (subresource !== "" && subresource !== "resize") return undefined;
    const quotas = store.range(`${quotaPrefix}${namespace}/`).map((kv) => storedObject(kv) as ResourceQuota);
    if (quotas.length === 0) return undefined;
    const nowMs = now();
    const before: Usage = old ? usageOf(def, old, nowMs) : new Map();
    const more = growth(usageOf(def, object, nowMs), before);
    if (more.size === 0) return undefined;
    const covered = new Set<string>();
    const root = `/registry/${def.group === "" ? "core" : def.group}/${def.plural}/${namespace}/`;
    const there = store.range(root).map(storedObject);
    const stored = new Set(there.map((o) => o.metadata.uid));
    for (const quota of quotas) {
      const names = hardNames(quota).filter((n) => countsFor(def, n));
      if (names.length === 0 || !coversObject(quota, def, object)) continue;
      const open = def.group === "" && def.plural === "pods" ? unspecified(names, object as Pod) : undefined;
      const quotaName = quota.metadata.name!;
      if (open !== undefined) throw forbidden(subjectOf(def), name, `failed quota: ${quotaName}: ${open}`);
      const used = quotaUsage(quota, [def], { objects: () => there, nowMs });
      for (const other of underWay)
        if (other.namespace === namespace && other.covered.has(quotaName))
          if (!other.created || !stored.has(other.uid)) addUsage(used, other.more);
      const refusal = exceeded(quota, used, more);
      if (refusal !== undefined) throw forbidden(subjectOf(def), name, refusal);
      covered.add(quotaName);
    }
    if (covered.size === 0) return undefined;
    const created = operation === "CREATE";
    const entry: UnderWay = { namespace, uid: object.metadata.uid!, covered, more, created };
    underWay.add(entry);
    const done = (): void => void underWay.delete(entry);
    return { commit: done, release: done };
  };
}
