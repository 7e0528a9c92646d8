// pods/ephemeralcontainers and pods/resize: updates that may touch one part of a running pod's spec and nothing else
// (KEP-277, KEP-1287).
import {
  prepareEphemeralContainersUpdate,
  prepareResize,
  validateEphemeralContainersUpdate,
  validateResize,
} from "../../../core/api/kinds/mod.ts";
import { notFound } from "../../../core/api/status.ts";
import type { KubeObject, Pod } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { storeKey, subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";
import type { SubresourceCall, SubresourceHandler } from "../subresource.ts";
import { type PartRules, updateObject } from "../verbs/mod.ts";

function partHandler(core: ApiCore, subresource: string, rules: PartRules): SubresourceHandler {
  async function update(call: SubresourceCall, change: (current: KubeObject) => KubeObject) {
    const { def, namespace, name, context } = call;
    const kv = await updateObject(core, { def, namespace, name, subresource, rules, change }, context);
    return { code: 200, object: storedObject(kv) };
  }
  return {
    GET({ def, namespace, name }) {
      const kv = core.store.get(storeKey(def, namespace, name));
      if (!kv) throw notFound(subjectOf(def), name);
      return { code: 200, object: storedObject(kv) };
    },
    PUT: (call, body) => update(call, () => structuredClone(body as KubeObject)),
    PATCH: (call) => update(call, (current) => call.patch!(current) as KubeObject),
  };
}

export const ephemeralContainersHandler = (core: ApiCore): SubresourceHandler =>
  partHandler(core, "ephemeralcontainers", {
    prepare: (pod, old) => prepareEphemeralContainersUpdate(pod as Pod, old as Pod),
    validate: (pod, old) => validateEphemeralContainersUpdate(pod as Pod, old as Pod),
  });

export const resizeHandler = (core: ApiCore): SubresourceHandler =>
  partHandler(core, "resize", {
    prepare: (pod, old) => prepareResize(pod as Pod, old as Pod),
    validate: (pod, old) => validateResize(pod as Pod, old as Pod),
  });
