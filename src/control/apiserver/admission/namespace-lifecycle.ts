// Nothing is made in a namespace that is not there or is going away (NamespaceLifecycle).
import { forbidden, notFound } from "../../../core/api/status.ts";
import type { Namespace } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";

export const namespaceLifecycle: AdmissionPlugin = ({ operation, def, namespace, name }, core) => {
  if (operation !== "CREATE" || !def.namespaced || namespace === undefined) return;
  const kv = core.store.get(`/registry/core/namespaces/${namespace}`);
  if (!kv) throw notFound({ group: "", resource: "namespaces" }, namespace);
  const ns = storedObject(kv) as Namespace;
  if (!ns.metadata.deletionTimestamp && ns.status?.phase !== "Terminating") return;
  const error = forbidden(
    subjectOf(def),
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  error.status.details!.causes = [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ];
  throw error;
};
