// Server-side apply as a change of whatever the object is when its turn comes, or as the object to create.
import { applyConfiguration } from "../../../core/api/apply/mod.ts";
import { readPatch } from "../../../core/api/patch/mod.ts";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { asWarnings } from "../../../core/api/schema/mod.ts";
import { badRequest, conflict } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import { type ApiCore, hasStatus, type WriteContext } from "../context.ts";
import { subjectOf } from "../registry.ts";

export interface ApplyOptions {
  subresource: string;
  force: boolean;
}

/** The configuration in the body of an apply patch: YAML, of which JSON is a part. Throws StatusError 400. */
export async function readConfiguration(text: string, ctx: WriteContext): Promise<unknown> {
  const json = text.trimStart().startsWith("{") ? readPatch(text, "merge") : undefined;
  if (json && (json.strictErrors.length === 0 || ctx.fieldValidation === "Ignore")) return json.value;
  const { parseYaml } = await import("../../../core/api/schema/yaml.ts");
  const { value, strictErrors } = parseYaml(text);
  if (strictErrors.length > 0 && ctx.fieldValidation === "Strict")
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${strictErrors.join(", ")}`);
  if (ctx.fieldValidation === "Warn") for (const line of asWarnings(strictErrors)) ctx.warn(line);
  return value;
}

const metadataOf = (configuration: unknown): unknown =>
  typeof configuration === "object" && configuration !== null && "metadata" in configuration
    ? configuration.metadata
    : undefined;

/** The returned function gives the object that the configuration leads to; the current one may be absent. */
export function applyChange(
  core: ApiCore,
  def: ResourceDefinition,
  configuration: unknown,
  options: ApplyOptions,
  ctx: WriteContext,
): (current: KubeObject | undefined) => KubeObject {
  const expected = core.codec.expected(def);
  const ofStatus = new Set(["apiVersion", "kind", "status"]);
  if (!def.statusLeavesMetadata) ofStatus.add("metadata");
  const names = typeof configuration === "object" && configuration !== null ? Object.keys(configuration) : [];
  let ignored: string[] = [];
  if (options.subresource === "status") ignored = names.filter((n) => !ofStatus.has(n));
  else if (hasStatus(def)) ignored = ["status"];
  const { uid, name } = (metadataOf(configuration) ?? {}) as { uid?: unknown; name?: unknown };
  return (current) => {
    if (!current && uid)
      throw conflict(
        subjectOf(def),
        String(name),
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      );
    const { object, changed } = applyConfiguration({
      expected,
      live: current,
      configuration,
      fieldManager: ctx.fieldManager,
      subresource: options.subresource,
      force: options.force,
      ignored,
      now: timestamp(core.now()),
    });
    return changed ? object : current!;
  };
}
