// pods/ephemeralcontainers and pods/resize: updates that may touch one part of a running pod's spec and nothing else
// (KEP-277, KEP-1287).
import { type FieldError, invalid, notFound } from "../../../core/api/status.ts";
import type { KubeObject, Pod } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { storeKey, subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";
import type { SubresourceCall, SubresourceHandler } from "../subresource.ts";
import { updateObject } from "../update.ts";

/** Takes its part of the wanted pod into the current one; returns what is wrong with it. */
type TakePart = (current: Pod, wanted: Pod) => FieldError[];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const takeEphemeral: TakePart = (current, wanted) => {
  const field = "spec.ephemeralContainers";
  const errors: FieldError[] = [];
  const now = wanted.spec?.ephemeralContainers ?? [];
  const names = new Set(
    [...(current.spec!.containers ?? []), ...(current.spec!.initContainers ?? [])].map((c) => c.name),
  );
  for (const [i, c] of now.entries()) {
    if (!c.name) errors.push({ type: "FieldValueRequired", field: `${field}[${i}].name`, detail: "" });
    else if (names.has(c.name))
      errors.push({ type: "FieldValueDuplicate", field: `${field}[${i}].name`, value: c.name, detail: "" });
    names.add(c.name);
    if (!c.image) errors.push({ type: "FieldValueRequired", field: `${field}[${i}].image`, detail: "" });
    c.terminationMessagePath ||= "/dev/termination-log";
    c.terminationMessagePolicy ||= "File";
    c.imagePullPolicy ||= /(:latest|^[^:@]*)$/.test(c.image?.split("/").at(-1) ?? "")
      ? "Always"
      : "IfNotPresent";
    c.resources ??= {};
  }
  for (const old of current.spec!.ephemeralContainers ?? []) {
    const kept = now.find((c) => c.name === old.name);
    if (!kept)
      errors.push({
        type: "FieldValueForbidden",
        field,
        detail: `existing ephemeral containers "${old.name}" may not be removed\n`,
      });
    else if (!sameFields(kept, old))
      errors.push({
        type: "FieldValueForbidden",
        field,
        detail: `existing ephemeral containers "${old.name}" may not be changed\n`,
      });
  }
  if (now.length > 0) current.spec!.ephemeralContainers = now;
  else delete current.spec!.ephemeralContainers;
  return errors;
};

function sameFields(a: object, b: object): boolean {
  const sorted = (o: object): unknown => Object.entries(o).sort(([x], [y]) => (x < y ? -1 : 1));
  return same(sorted(a), sorted(b));
}

const takeResources: TakePart = (current, wanted) => {
  const errors: FieldError[] = [];
  for (const list of ["containers", "initContainers"] as const) {
    const was = current.spec![list] ?? [];
    const now = wanted.spec?.[list] ?? [];
    for (const [i, c] of was.entries()) {
      const next = now.find((n) => n.name === c.name);
      if (!next || same(next.resources, c.resources)) continue;
      const keys = [
        ...Object.keys(next.resources?.limits ?? {}),
        ...Object.keys(next.resources?.requests ?? {}),
      ];
      for (const key of new Set(keys))
        if (
          key !== "cpu" &&
          key !== "memory" &&
          !same(next.resources?.limits?.[key], c.resources?.limits?.[key])
        )
          errors.push({
            type: "FieldValueForbidden",
            field: `spec.${list}[${i}].resources`,
            detail: "only cpu and memory resources are mutable",
          });
      c.resources = next.resources ?? {};
    }
  }
  return errors;
};

function partHandler(core: ApiCore, subresource: string, take: TakePart): SubresourceHandler {
  async function change(call: SubresourceCall, wanted: (current: KubeObject) => KubeObject) {
    const { def, namespace, name, context } = call;
    const kv = await updateObject(
      core,
      {
        def,
        namespace,
        name,
        subresource,
        rules: "none",
        change(obj) {
          const next = wanted(structuredClone(obj));
          const errors = take(obj as Pod, next as Pod);
          if (errors.length > 0) throw invalid({ group: "", kind: "Pod" }, name, errors);
          obj.metadata.resourceVersion = next.metadata.resourceVersion ?? "";
          return obj;
        },
      },
      context,
    );
    return { code: 200, object: storedObject(kv) };
  }
  return {
    GET({ def, namespace, name }) {
      const kv = core.store.get(storeKey(def, namespace, name));
      if (!kv) throw notFound(subjectOf(def), name);
      return { code: 200, object: storedObject(kv) };
    },
    PUT: (call, body) => change(call, () => structuredClone(body as KubeObject)),
    PATCH: (call) => change(call, (current) => call.patch!(current) as KubeObject),
  };
}

export const ephemeralContainersHandler = (core: ApiCore): SubresourceHandler =>
  partHandler(core, "ephemeralcontainers", takeEphemeral);

export const resizeHandler = (core: ApiCore): SubresourceHandler =>
  partHandler(core, "resize", takeResources);
