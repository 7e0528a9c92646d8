// A pod's RuntimeClass must be there; its overhead and its scheduling become the pod's (RuntimeClass admission).
import { semanticEqual } from "../../../core/api/kinds/mod.ts";
import { forbidden } from "../../../core/api/status.ts";
import type { Pod, PodSpec, RuntimeClass } from "../../../core/api/types.ts";
import type { AdmissionPlugin, ApiCore } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import { mergeTolerations } from "./merge-tolerations.ts";

type Refuse = (message: string) => Error;

function classOf(spec: PodSpec, core: ApiCore, refuse: Refuse): RuntimeClass | undefined {
  const name = spec.runtimeClassName;
  if (name === undefined || name === null) return undefined;
  const kv = core.store.get(`/registry/node.k8s.io/runtimeclasses/${name}`);
  if (!kv) throw refuse(`pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return storedObject(kv) as RuntimeClass;
}

function setOverhead(spec: PodSpec, overhead: RuntimeClass["overhead"], refuse: Refuse): void {
  if (!overhead) {
    if (spec.overhead)
      throw refuse("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    return;
  }
  const fixed = overhead.podFixed ?? {};
  if (Object.keys(spec.overhead ?? {}).length > 0 && !semanticEqual(fixed, spec.overhead))
    throw refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  spec.overhead = structuredClone(fixed);
}

function setScheduling(spec: PodSpec, scheduling: RuntimeClass["scheduling"], refuse: Refuse): void {
  if (!scheduling) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    spec.nodeSelector ??= {};
    const own = Object.hasOwn(spec.nodeSelector, key) ? spec.nodeSelector[key] : undefined;
    if (own !== undefined && own !== value)
      throw refuse(
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
    spec.nodeSelector[key] = value;
  }
  const merged = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (merged.length > 0) spec.tolerations = merged;
}

export const podRuntimeClass: AdmissionPlugin = ({ operation, def, name, object, subresource }, core) => {
  if (operation !== "CREATE" || def.group !== "" || def.plural !== "pods" || !object || subresource !== "")
    return;
  const { spec } = object as Pod;
  if (!spec) return;
  const refuse: Refuse = (message) => forbidden({ group: "", resource: "pods" }, name, message);
  const runtimeClass = classOf(spec, core, refuse);
  setOverhead(spec, runtimeClass?.overhead, refuse);
  setScheduling(spec, runtimeClass?.scheduling, refuse);
};
