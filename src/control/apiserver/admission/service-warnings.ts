// Reads the namespace's pods and pod templates for what can be said of a Service that is being written.
import { semanticEqual } from "../../../core/api/kinds/mod.ts";
import type { Pod, PodSpec, Service } from "../../../core/api/types.ts";
import type { AdmissionPlugin, ApiCore } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import { adviseService, type Candidate } from "./service-advice.ts";

/** With more of one kind in the namespace nothing is said: a write must not pay for reading them all. */
const most = 100;
const templated = [
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "apps/replicasets",
  "core/replicationcontrollers",
];

interface Templated {
  spec?: { template?: { metadata?: { labels?: Record<string, string> }; spec?: PodSpec } };
}

function candidatesIn(namespace: string, core: ApiCore): Candidate[] | undefined {
  const out: Candidate[] = [];
  for (const kind of ["core/pods", ...templated]) {
    const found = core.store.range(`/registry/${kind}/${namespace}/`, { limit: most + 1 });
    if (found.length > most) return undefined;
    for (const kv of found) {
      const object = storedObject(kv);
      const isPod = kind === "core/pods";
      const source = isPod ? (object as Pod) : (object as Templated).spec?.template;
      out.push({
        kind: isPod ? "pod" : "template",
        labels: source?.metadata?.labels ?? {},
        spec: source?.spec as PodSpec | undefined,
      });
    }
  }
  return out;
}

export const serviceWarnings: AdmissionPlugin = (request, core) => {
  const { operation, def, namespace, object, old, subresource, context } = request;
  if (def.group !== "" || def.plural !== "services" || subresource !== "" || !object || !namespace) return;
  if (operation === "DELETE") return;
  const { spec } = object as Service;
  const before = (old as Service | undefined)?.spec;
  const changed =
    !semanticEqual(spec?.selector, before?.selector) || !semanticEqual(spec?.ports, before?.ports);
  if (!changed || Object.keys(spec?.selector ?? {}).length === 0) return;
  const candidates = candidatesIn(namespace, core);
  if (candidates)
    for (const text of adviseService(object as Service, candidates, operation)) context.warn(text);
};
