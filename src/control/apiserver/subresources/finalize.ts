// namespaces/finalize: the one way to change spec.finalizers; without any, a namespace that is going away is gone.
import { validateNamespaceFinalizers } from "../../../core/api/kinds/mod.ts";
import { badRequest, invalid } from "../../../core/api/status.ts";
import type { Namespace } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import type { SubresourceHandler } from "../subresource.ts";
import { updateObject } from "../verbs/mod.ts";

export function finalizeHandler(core: ApiCore): SubresourceHandler {
  return {
    async PUT({ def, namespace, name, context }, body) {
      const wanted = body as Namespace;
      if (wanted.metadata.name && wanted.metadata.name !== name)
        throw badRequest(
          `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`,
        );
      const kv = await updateObject(
        core,
        {
          def,
          namespace,
          name,
          subresource: "finalize",
          rules: "none",
          change(obj) {
            const errors = validateNamespaceFinalizers(wanted);
            if (errors.length > 0) throw invalid(def, name, errors);
            const ns = obj as Namespace;
            const finalizers = wanted.spec?.finalizers ?? [];
            ns.spec = finalizers.length > 0 ? { finalizers: [...finalizers] } : {};
            if (wanted.metadata.uid) ns.metadata.uid = wanted.metadata.uid;
            if (wanted.metadata.resourceVersion)
              ns.metadata.resourceVersion = wanted.metadata.resourceVersion;
            else delete ns.metadata.resourceVersion;
            return ns;
          },
        },
        context,
      );
      return { code: 200, object: storedObject(kv) };
    },
  };
}
