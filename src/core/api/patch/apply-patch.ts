// What a PATCH request makes of an object, or why it cannot (apiserver endpoints/handlers/patch.go).
import { isJsonObject } from "../json-object.ts";
import { countKeys, setOwn } from "../schema/json-text.ts";
import {
  type Decoded,
  DecodeTypeError,
  type ExpectedKind,
  type FieldValidation,
  pruneMap,
} from "../schema/mod.ts";
import { badRequest, failure, invalid } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { printGoValue } from "./go-value.ts";
import { applyJsonPatch, type Operation, PatchFailure } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { maxDepthOfPatch, readPatch } from "./read-patch.ts";
import { StrategicPatchError, strategicMerge } from "./strategic-merge.ts";

export type PatchKind = "json" | "merge" | "strategic";

export interface PatchRequest {
  readonly type: PatchKind;
  /** The body. */
  readonly patch: string;
  readonly expected: ExpectedKind;
  readonly fieldValidation: FieldValidation;
}

const maxOperations = 10_000;
const rejected = (): Error =>
  failure(422, "Invalid", "the server rejected our request due to an error in our request", {});

const invalidPatch = (shown: string, why: string): Error =>
  invalid({ group: "", kind: "" }, "", [
    { type: "FieldValueInvalid", field: "patch", value: shown, detail: why },
  ]);

function operations(value: unknown): Operation[] {
  const list = value as unknown[];
  if (list.length > maxOperations)
    throw failure(
      413,
      "RequestEntityTooLarge",
      `Request entity is too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${list.length}`,
    );
  return list as Operation[];
}

function patched(current: KubeObject, patch: unknown, request: PatchRequest): unknown {
  try {
    if (request.type === "json") return applyJsonPatch(current, operations(patch));
    if (request.type === "merge") return applyMergePatch(current, patch);
    return strategicMerge(current, patch as Record<string, unknown>, request.expected.model);
  } catch (e) {
    // RangeError: copies nested in copies.
    if (e instanceof PatchFailure || e instanceof RangeError) throw rejected();
    if (!(e instanceof StrategicPatchError)) throw e;
    if (e.code === 422) throw rejected();
    throw e.code === 400 ? badRequest(e.message) : failure(500, "InternalError", e.message, {});
  }
}

/**
 * The patched object in canonical form (`current` is not changed). Throws StatusError: 400 for a patch that cannot be read,
 * 422 for one that does not apply or leads to no valid object.
 */
export function applyPatch(current: KubeObject, request: PatchRequest): Decoded {
  const { expected, fieldValidation: mode } = request;
  const { value: patch, strictErrors } = readPatch(request.patch, request.type);
  const result = patched(current, patch, request);
  if (countKeys(result, 2 * maxDepthOfPatch) === undefined) throw rejected();
  const shown = (): string => (request.type === "strategic" ? printGoValue(patch) : JSON.stringify(result));
  if (!isJsonObject(result)) throw invalidPatch(shown(), "the patched document is no object");
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  for (const [name, wanted] of [
    ["apiVersion", apiVersion],
    ["kind", expected.kind],
  ] as const) {
    const came = result[name] ?? wanted;
    if (came !== wanted)
      throw badRequest(
        name === "apiVersion"
          ? `the API version in the data (${printGoValue(came)}) does not match the expected API version (${wanted})`
          : `the kind in the data (${printGoValue(came)}) does not match the expected kind (${wanted})`,
      );
    setOwn(result, name, wanted);
  }
  try {
    const pruned = pruneMap(expected.model, result);
    const strict = [...strictErrors, ...pruned.strictErrors];
    if (mode === "Strict" && strict.length > 0)
      throw invalidPatch(shown(), `strict decoding error: ${strict.join(", ")}`);
    return { object: pruned.object as unknown as KubeObject, warnings: mode === "Warn" ? strict : [] };
  } catch (e) {
    if (e instanceof DecodeTypeError) throw invalidPatch(shown(), e.message);
    throw e;
  }
}
