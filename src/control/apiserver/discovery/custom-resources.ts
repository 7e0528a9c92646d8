// There are no custom resources, and kubectl may ask: before it creates an object whose kind takes no PATCH (a review of
// access, say) it looks through the list of CustomResourceDefinitions and gives up when there is none to look through.
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerJson } from "../representation/mod.ts";

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Answers a list of all CustomResourceDefinitions, which is empty; false for anything else. Discovery does not name them. */
export function answerCustomResources(
  req: IncomingMessage,
  res: ServerResponse,
  asked: { path: string; query: URLSearchParams },
  revision: number,
): boolean {
  if (asked.path !== path || req.method !== "GET" || asked.query.has("watch")) return false;
  answerJson(req, res, 200, {
    kind: "CustomResourceDefinitionList",
    apiVersion: "apiextensions.k8s.io/v1",
    metadata: { resourceVersion: String(revision) },
    items: [],
  });
  return true;
}
