// scale: the number of replicas of any kind that has one, as autoscaling/v1 Scale.
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { badRequest, invalid, modifiedConflict, notFound } from "../../../core/api/status.ts";
import type { KubeObject, Scale } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { storeKey, subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";
import type { SubresourceCall, SubresourceHandler } from "../subresource.ts";
import { updateObject } from "../verbs/mod.ts";

const body = { group: "autoscaling", version: "v1", kind: "Scale", model: "autoscaling.v1.Scale" };

function scaleOf(def: ResourceDefinition, obj: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = obj.metadata;
  const s = def.scale!;
  const replicas = s.replicas(obj);
  const selector = s.selector(obj);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as Scale["metadata"],
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: s.statusReplicas(obj), ...(selector === "" ? {} : { selector }) },
  };
}

export function scaleHandler(core: ApiCore): SubresourceHandler {
  async function change(call: SubresourceCall, wanted: (current: Scale) => Scale) {
    const { def, namespace, name, context } = call;
    const kv = await updateObject(
      core,
      {
        def,
        namespace,
        name,
        subresource: "scale",
        change(obj) {
          const current = scaleOf(def, obj);
          const scale = wanted(current);
          if (scale.metadata.name && scale.metadata.name !== name)
            throw badRequest(
              `the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`,
            );
          const { uid, resourceVersion } = scale.metadata;
          if (uid && uid !== obj.metadata.uid) throw modifiedConflict(subjectOf(def), name);
          const replicas = scale.spec?.replicas ?? 0;
          if (replicas < 0)
            throw invalid({ group: "autoscaling", kind: "Scale" }, name, [
              {
                type: "FieldValueInvalid",
                field: "spec.replicas",
                value: replicas,
                detail: "must be greater than or equal to 0",
              },
            ]);
          def.scale!.setReplicas(obj, replicas);
          if (resourceVersion) obj.metadata.resourceVersion = resourceVersion;
          else delete obj.metadata.resourceVersion;
          return obj;
        },
      },
      context,
    );
    return { code: 200, object: scaleOf(def, storedObject(kv)) };
  }

  return {
    body,
    GET({ def, namespace, name }) {
      const kv = core.store.get(storeKey(def, namespace, name));
      if (!kv) throw notFound(subjectOf(def), name);
      return { code: 200, object: scaleOf(def, storedObject(kv)) };
    },
    PUT: (call, wanted) => change(call, () => wanted as Scale),
    PATCH: (call) => change(call, (current) => call.patch!(current) as Scale),
  };
}
