// Server-side apply: one manager's whole opinion of an object, merged into it (KEP-555; structured-merge-diff, Updater.Apply).
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { DecodeTypeError, type ExpectedKind, prune } from "../schema/mod.ts";
import { badRequest, failure, type StatusError } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { appliedFields, ConfigurationError } from "./applied-fields.ts";
import { compare } from "./compare.ts";
import { difference, type Fields, intersection, isEmpty, members, printPath, union } from "./fields.ts";
import { annotatingManager, fieldsOfLastApplied, nextLastApplied, withLastApplied } from "./last-applied.ts";
import {
  type Manager,
  type ManagerIdentity,
  readManagers,
  sameManager,
  withoutSystemFields,
  writeManagers,
} from "./managers.ts";
import { mergeMessage } from "./merge.ts";
import { removeUnowned } from "./remove.ts";
import { dispossess } from "./track-update.ts";

export interface ApplyRequest {
  readonly expected: ExpectedKind;
  /** The object as it is; undefined when it is to be created. Never changed. */
  readonly live: KubeObject | undefined;
  /** The configuration, parsed. */
  readonly configuration: unknown;
  readonly fieldManager: string;
  readonly subresource: string;
  /** Take over fields of others instead of refusing. */
  readonly force: boolean;
  /** Top-level fields that this endpoint ignores: ["status"] for the object itself. */
  readonly ignored: readonly string[];
  /** RFC 3339, seconds. */
  readonly now: string;
}

/** Owner of everything that was there before an untracked object is first applied to. */
const beforeFirstApply = "before-first-apply";

function printManager(m: ManagerIdentity): string {
  const sub = m.subresource === "" ? "" : ` with subresource ${JSON.stringify(m.subresource)}`;
  const using = m.operation === "Update" ? ` using ${m.apiVersion}` : "";
  return `${JSON.stringify(m.manager)}${sub}${using}`;
}

function conflictError(conflicts: readonly { who: Manager; paths: string[] }[]): StatusError {
  const causes = conflicts.flatMap(({ who, paths }) =>
    paths.map((field) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${printManager(who)}`,
      field,
    })),
  );
  const [first] = causes;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first!.message}: ${first!.field}`
      : `Apply failed with ${causes.length} conflicts: ${conflicts
          .map(({ who, paths }) =>
            [`conflicts with ${printManager(who)}:`, ...paths.map((p) => `- ${p}`)].join("\n"),
          )
          .join("\n")}`;
  return failure(409, "Conflict", message, { causes });
}

function checkConfiguration(request: ApplyRequest): Record<string, unknown> {
  const { configuration, expected } = request;
  if (!isJsonObject(configuration))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(configuration) ? "array" : typeof configuration} into Go value of type map[string]interface {}`,
    );
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  if (configuration.apiVersion === undefined || configuration.kind === undefined)
    throw badRequest("invalid object type: /, Kind=");
  if (configuration.apiVersion !== apiVersion)
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${configuration.apiVersion}, expected: ${apiVersion}`,
    );
  if (configuration.kind !== expected.kind)
    throw badRequest(
      `the kind in the data (${configuration.kind}) does not match the expected kind (${expected.kind})`,
    );
  const metadata = configuration.metadata;
  if (isJsonObject(metadata) && Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0)
    throw badRequest("metadata.managedFields must be nil");
  return Object.fromEntries(
    Object.entries(configuration).filter(([name]) => !request.ignored.includes(name)),
  );
}

function untyped(configuration: Record<string, unknown>, why: string): StatusError {
  const metadata = isJsonObject(configuration.metadata) ? configuration.metadata : {};
  const name = `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
  const version = String(configuration.apiVersion);
  // As Go prints a group, version and kind: the core group is empty, and its slash stays.
  const groupVersion = version.includes("/") ? version : `/${version}`;
  return failure(
    500,
    "",
    `failed to create typed patch object (${name}; ${groupVersion}, Kind=${configuration.kind}): ${why}`,
    {},
  );
}

interface Opinion {
  readonly configuration: Record<string, unknown>;
  readonly fields: Fields;
}

function readOpinion(request: ApplyRequest): Opinion {
  const configuration = checkConfiguration(request);
  try {
    const fields = withoutSystemFields(appliedFields(request.expected.model, configuration));
    prune(request.expected.model, configuration);
    return { configuration, fields };
  } catch (e) {
    if (e instanceof ConfigurationError || e instanceof DecodeTypeError)
      throw untyped(configuration, e.message);
    throw e;
  }
}

function managersOf(request: ApplyRequest): Manager[] {
  const { live, expected, now } = request;
  if (!live) return [];
  const managers = readManagers(live.metadata.managedFields) ?? [];
  if (managers.length > 0) return managers;
  const fields = withoutSystemFields(compare(expected.model, undefined, live).changed);
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  return [{ manager: beforeFirstApply, operation: "Update", apiVersion, subresource: "", fields, time: now }];
}

/**
 * The object that results, canonical, its managedFields set; defaults and validation are the caller's. `changed` is false
 * when nothing but times would differ: then nothing need be stored. Throws StatusError: 409 with a cause a field, 400 for a
 * configuration of another kind, 500 (as Kubernetes has it) for one that does not fit the schema.
 */
export function applyConfiguration(request: ApplyRequest): { object: KubeObject; changed: boolean } {
  const { expected, live, now } = request;
  const { model } = expected;
  const { configuration, fields } = readOpinion(request);
  const apiVersion = String(configuration.apiVersion);
  const who: ManagerIdentity = {
    manager: request.fieldManager,
    operation: "Apply",
    apiVersion,
    subresource: request.subresource,
  };
  const managers = managersOf(request);
  const before = managers.find((m) => sameManager(m, who));
  const others = managers.filter((m) => m !== before);

  let merged = mergeMessage(model, live, configuration);
  if (before) {
    const kept = others.map((m) => m.fields).reduce(union, fields);
    merged = removeUnowned(model, merged, before.fields, kept);
  }
  const object = prune(model, merged).object as unknown as KubeObject;
  object.apiVersion = apiVersion;
  object.kind = expected.kind;
  if (live)
    for (const name of ["uid", "creationTimestamp", "resourceVersion", "generation"] as const)
      if (live.metadata[name] !== undefined)
        Object.assign(object.metadata, { [name]: object.metadata[name] ?? live.metadata[name] });

  const { changed, removed } = compare(model, live, object);
  const contested = withoutSystemFields(changed);
  const annotates = request.fieldManager === annotatingManager;
  const granted = annotates && !request.force ? fieldsOfLastApplied(model, live, apiVersion) : {};
  const conflicts = others.flatMap((m) => {
    const paths = [...members(difference(intersection(m.fields, contested), granted))].map(printPath);
    return paths.length > 0 ? [{ who: m, paths }] : [];
  });
  if (conflicts.length > 0 && !request.force)
    throw conflictError(conflicts.sort((a, b) => (printManager(a.who) < printManager(b.who) ? -1 : 1)));

  const rest = dispossess(others, isEmpty(removed) ? contested : union(contested, removed));
  const sameFields =
    before !== undefined &&
    isEmpty(difference(before.fields, fields)) &&
    isEmpty(difference(fields, before.fields));
  const same =
    live !== undefined &&
    isEmpty(contested) &&
    isEmpty(withoutSystemFields(removed)) &&
    sameFields &&
    before.apiVersion === apiVersion;
  const annotated = annotates
    ? withLastApplied(object, nextLastApplied(object, request.configuration as JsonObject))
    : object;
  if (same && annotated === object) {
    object.metadata.managedFields = live.metadata.managedFields ?? [];
    return { object, changed: false };
  }
  annotated.metadata.managedFields = writeManagers([...rest, { ...who, fields, time: now }]);
  return { object: annotated, changed: true };
}
