// The parameters of API operations, by name (API concepts; metav1 ListOptions, CreateOptions, UpdateOptions, PatchOptions).

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

const query = (name: string, type: Parameter["type"], description: string): Parameter => ({
  name,
  in: "query",
  type,
  description,
});
const path = (name: string, description: string): Parameter => ({
  name,
  in: "path",
  type: "string",
  description,
});

export const namespaceParameter = path("namespace", "the namespace of the object");
export const nameParameter = path("name", "the object's name");
export const pathParameter = path("path", "the path of the request that is passed on");
export const pretty = query("pretty", "string", "Any value but false asks for JSON that is easy to read.");

const dryRun = query("dryRun", "string", "All: go through every stage of the request, but store nothing.");
const fieldManager = query(
  "fieldManager",
  "string",
  "Who makes the change, for managedFields: at most 128 characters.",
);
const fieldValidation = query(
  "fieldValidation",
  "string",
  "What becomes of unknown and repeated fields. Ignore: they are dropped. Warn: each is told of in a warning (the default). Strict: the request is refused.",
);

export const writeParameters: readonly Parameter[] = [dryRun, fieldManager, fieldValidation];
export const patchParameters: readonly Parameter[] = [
  ...writeParameters,
  query("force", "boolean", "Take over fields that others manage; for apply patches only."),
];

export const listParameters: readonly Parameter[] = [
  query("allowWatchBookmarks", "boolean", "Send BOOKMARK events in a watch."),
  query("continue", "string", "The token that the last part of a list in parts ended with."),
  query("fieldSelector", "string", "Only objects whose fields are such."),
  query("labelSelector", "string", "Only objects whose labels are such."),
  query("limit", "integer", "At most this many items; metadata.continue leads to the rest."),
  query("resourceVersion", "string", "The version of the collection that is asked for."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
  query(
    "sendInitialEvents",
    "boolean",
    "Begin a watch with the state of now, then a BOOKMARK, then changes.",
  ),
  query("timeoutSeconds", "integer", "End the call after this many seconds."),
  query("watch", "boolean", "Stream changes instead of a list."),
];

export const deleteParameters: readonly Parameter[] = [
  dryRun,
  query("gracePeriodSeconds", "integer", "Seconds before the object is gone; 0 is at once."),
  query("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
  query("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
];
