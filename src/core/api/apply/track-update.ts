// Who owns which field after an ordinary create, update or patch (managedfields: structuredMergeManager.Update).
import type { Model } from "../schema/mod.ts";
import type { KubeObject } from "../types.ts";
import { compare } from "./compare.ts";
import { difference, type Fields, isEmpty, union } from "./fields.ts";
import {
  type Manager,
  type ManagerIdentity,
  readManagers,
  sameManager,
  withoutSystemFields,
  writeManagers,
} from "./managers.ts";

export interface UpdateRequest {
  readonly model: Model;
  /** The object as it is; undefined for a create. */
  readonly live: KubeObject | undefined;
  /** As the client wants it, defaults included but nothing yet that admission adds; its managedFields are set. */
  readonly next: KubeObject;
  readonly who: ManagerIdentity;
  /** Top-level fields that the endpoint will put back: ["status"] for the object itself. */
  readonly ignored?: readonly string[];
  /** RFC 3339, seconds. */
  readonly now: string;
}

/** An entry with nothing in it asks for forgetting all owners. */
function isReset(entries: NonNullable<KubeObject["metadata"]["managedFields"]>): boolean {
  return entries.length === 1 && Object.values(entries[0]!).every((v) => v === undefined || v === "");
}

/** The owners that a request starts from: those it sends if they can be read, else the live ones. */
function startingManagers({ live, next, who }: UpdateRequest): Manager[] {
  const sent = who.subresource === "" ? next.metadata.managedFields : undefined;
  if (sent && isReset(sent)) return [];
  const read = sent && readManagers(sent);
  return read && read.length > 0 ? read : (readManagers(live?.metadata.managedFields) ?? []);
}

/** Takes from every manager what has changed or gone; those left with nothing fall away. */
export function dispossess(managers: readonly Manager[], lost: Fields): Manager[] {
  if (isEmpty(lost)) return [...managers];
  return managers.flatMap((m) => {
    const fields = difference(m.fields, lost);
    return isEmpty(fields) ? [] : [{ ...m, fields }];
  });
}

/**
 * Sets `next.metadata.managedFields`. An object that nobody has tracked since its creation stays untracked, as in Kubernetes.
 * Both objects are canonical.
 */
export function trackUpdate(request: UpdateRequest): void {
  const { model, live, next, who, now } = request;
  const managers = startingManagers(request);
  delete next.metadata.managedFields;
  if (live && managers.length === 0) return;
  const { changed, removed } = compare(model, live, next);
  for (const name of request.ignored ?? []) {
    delete changed[`f:${name}`];
    delete removed[`f:${name}`];
  }
  const mine = withoutSystemFields(changed);
  const others = dispossess(managers, isEmpty(removed) ? mine : union(mine, removed));
  if (!isEmpty(mine)) {
    const at = others.findIndex((m) => sameManager(m, who));
    if (at >= 0) others[at] = { ...who, fields: union(others[at]!.fields, mine), time: now };
    else others.push({ ...who, fields: mine, time: now });
  }
  const entries = writeManagers(others);
  if (entries.length > 0) next.metadata.managedFields = entries;
}
