// LIST: which stored versions answer a list request, by its resourceVersion, match rule, limit and continue token
// (API concepts, "Resource versions" and "Retrieving large results sets in chunks").
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { badRequest, failure, StatusError } from "../../../core/api/status.ts";
import type { KeyValue } from "../../store/mod.ts";
import type { Readable } from "../computed-store.ts";
import { storeKey, storePrefix } from "../registry.ts";
import { checkListOptions } from "../requests/mod.ts";
import { servedObject } from "../stored-object.ts";
import { parseContinue, printContinue } from "./continue-token.ts";
import { parseSelection, type SelectorText } from "./selection.ts";

export interface ListQuery extends SelectorText {
  namespace?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  /** For watches only; a list that has it is refused. */
  sendInitialEvents?: boolean | undefined;
}

export interface ListPage {
  items: KeyValue[];
  /** The revision that the page shows. */
  revision: number;
  continue: string | undefined;
  remaining: number | undefined;
}

export function parseResourceVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,16}$/.test(text))
    throw failure(
      400,
      "BadRequest",
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}

/** 504 as Kubernetes answers a revision from the future. */
export function tooLargeResourceVersion(asked: number, current: number): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    reason: "Timeout",
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
    code: 504,
  });
}

const inconsistentHint =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

export function listPage(store: Readable, def: ResourceDefinition, q: ListQuery): ListPage {
  checkListOptions(q, "list");
  const selection = parseSelection(def, q);
  const namespace = q.namespace ?? selection.namespace;
  const prefix = storePrefix(def, namespace);
  const asked = parseResourceVersion(q.resourceVersion);
  const limit = q.limit && q.limit > 0 ? q.limit : undefined;
  const matches = selection.matches;
  const keep = matches && ((kv: KeyValue) => matches(servedObject(def, kv)));

  let revision = store.revision;
  let after: string | undefined;
  if (q.continue) {
    const token = parseContinue(q.continue);
    if (asked !== undefined && asked !== 0)
      throw badRequest("specifying resource version is not allowed when using continue");
    after = prefix + token.after;
    if (token.revision > 0) revision = token.revision;
  } else if (asked !== undefined && asked > store.revision) {
    throw tooLargeResourceVersion(asked, store.revision);
  } else if (asked && (q.resourceVersionMatch === "Exact" || (limit && !q.resourceVersionMatch))) {
    revision = asked;
  }

  const exactlyOne =
    selection.name !== undefined && (namespace || !def.namespaced) && revision === store.revision;
  let found: KeyValue[] | "compacted";
  if (exactlyOne) {
    const key = storeKey(def, namespace, selection.name!);
    const kv = store.get(key);
    found = kv && (after === undefined || key > after) ? [kv] : [];
  } else if (revision === store.revision) found = store.range(prefix, after === undefined ? {} : { after });
  else found = store.rangeAt(prefix, revision, after === undefined ? {} : { after });
  if (found === "compacted") {
    const error = failure(
      410,
      "Expired",
      q.continue ? inconsistentHint : `The resourceVersion for the provided list is too old.`,
    );
    if (q.continue)
      error.status.metadata.continue = printContinue({
        revision: -1,
        after: parseContinue(q.continue).after,
      });
    throw error;
  }
  if (limit === undefined) {
    const items = keep ? found.filter(keep) : found;
    return { items, revision, continue: undefined, remaining: undefined };
  }
  const items: KeyValue[] = [];
  for (let i = 0; i < found.length; i++) {
    const kv = found[i]!;
    if (keep && !keep(kv)) continue;
    if (items.length === limit) {
      const last = items[items.length - 1]!;
      const token = printContinue({ revision, after: last.key.slice(prefix.length) });
      // With a selector Kubernetes does not know how many remain.
      return { items, revision, continue: token, remaining: keep ? undefined : found.length - i };
    }
    items.push(kv);
  }
  return { items, revision, continue: undefined, remaining: undefined };
}
