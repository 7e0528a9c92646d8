// How objects are shown to the client that asked: as stored, as a Table, as metadata only; in JSON or YAML.
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { badRequest } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { KeyValue } from "../../store/mod.ts";
import { apiVersionOfDefinition } from "../registry.ts";
import { type Accepted, negotiate, type ResourceRequest, type Shape } from "../requests/mod.ts";
import { servedBytes, servedObject } from "../stored-object.ts";
import type { SubresourceAnswer } from "../subresource.ts";
import type { ListPage } from "../verbs/mod.ts";
import { answerObject, answerStored } from "./answer.ts";
import { answerItems, answerObjectList, listMetadata, shownItems } from "./list-response.ts";
import { subresourceColumns } from "./subresource-columns.ts";
import {
  columnDefinition,
  type IncludeObject,
  partialMetadata,
  type Shown,
  table,
  tableRow,
} from "./table.ts";
import type { Form } from "./watch-frames.ts";

const ofOne: readonly Shape[] = ["table", "partial"];
const ofList: readonly Shape[] = ["table", "partial-list"];

/** Throws StatusError 406 when nothing that is accepted can be given; before a write, so that nothing is written then. */
export function checkAccept(r: ResourceRequest): void {
  negotiate(r.req.headers.accept, [...ofOne, ...ofList]);
}

/** `now`: milliseconds since the epoch, for ages. */
export function formOf(def: Shown, accepted: Accepted, query: URLSearchParams, now: () => number): Form {
  const { shape, version } = accepted;
  if (shape === "object") return { id: "", show: undefined };
  if (shape === "partial" || shape === "partial-list")
    return { id: `partial ${version}`, show: (obj) => partialMetadata(obj, version) };
  const options = { version, includeObject: includeObject(query) };
  return {
    id: `table ${version} ${options.includeObject}`,
    show: (obj) => {
      // A bookmark is a Table too: no cells, only the resourceVersion.
      const meta = { resourceVersion: obj.metadata.resourceVersion };
      const bookmark = obj.metadata.uid === undefined;
      const row = bookmark
        ? { cells: def.columns.map(() => ""), object: partialMetadata(obj, version) }
        : tableRow(def, obj, { ...options, now: now() });
      return table(def, [row], meta, version);
    },
  };
}

function includeObject(query: URLSearchParams): IncludeObject {
  const v = query.get("includeObject") ?? "";
  if (v === "" || v === "Metadata") return "Metadata";
  if (v === "Object" || v === "None") return v;
  throw badRequest(
    `invalid includeObject value ${JSON.stringify(v)}: supported values: "None", "Metadata", "Object"`,
  );
}

/** Answers one object. */
export function answerOne(
  r: ResourceRequest,
  def: ResourceDefinition,
  code: number,
  kv: KeyValue,
  now: () => number,
): void {
  const accepted = negotiate(r.req.headers.accept, ofOne);
  if (accepted.shape === "object" && accepted.media === "application/json")
    answerStored(r.req, r.res, code, servedBytes(def, kv));
  else if (accepted.shape === "object")
    answerObject(r.req, r.res, code, accepted.media, servedObject(def, kv));
  else
    answerObject(
      r.req,
      r.res,
      code,
      accepted.media,
      formOf(def, accepted, r.query, now).show!(servedObject(def, kv)),
    );
}

/** Answers the object of a subresource, which has a Table of its own kind's columns, or of name and age. */
export function answerSubresource(
  r: ResourceRequest,
  { code, object }: SubresourceAnswer,
  now: () => number,
): void {
  const accepted = negotiate(r.req.headers.accept, r.req.method === "POST" ? [] : ["table"]);
  const shown = object as KubeObject;
  const form =
    accepted.shape === "object" || shown.kind === "Status"
      ? undefined
      : formOf({ columns: subresourceColumns(shown.kind!) }, accepted, r.query, now);
  answerObject(r.req, r.res, code, accepted.media, form?.show ? form.show(shown) : object);
}

/** Answers a page of a list, streamed where it is JSON. */
export async function answerList(
  r: ResourceRequest,
  def: ResourceDefinition,
  page: ListPage,
  now: () => number,
): Promise<void> {
  const accepted = negotiate(r.req.headers.accept, ofList);
  const metadata = listMetadata(page);
  if (accepted.media === "application/yaml") {
    const items = page.items.map((kv) => servedObject(def, kv));
    answerObject(r.req, r.res, 200, accepted.media, {
      kind: `${def.kind}List`,
      apiVersion: apiVersionOfDefinition(def),
      metadata,
      items,
    });
    return;
  }
  if (accepted.shape === "object") return answerObjectList(r.req, r.res, def, page);
  if (accepted.shape === "table") {
    const options = { version: accepted.version, includeObject: includeObject(r.query), now: now() };
    const columns = JSON.stringify(def.columns.map(columnDefinition));
    const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${accepted.version}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[`;
    const rows = shownItems(page, (kv) => tableRow(def, servedObject(def, kv), options));
    return answerItems(r.res, "application/json", head, rows, "]}\n");
  }
  const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${accepted.version}","metadata":${JSON.stringify(metadata)},"items":[`;
  const items = shownItems(page, (kv) => partialMetadata(servedObject(def, kv), accepted.version));
  return answerItems(r.res, "application/json", head, items, "]}\n");
}
