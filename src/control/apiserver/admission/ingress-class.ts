// An Ingress that names no class gets the default one, the newest where there are several (DefaultIngressClass admission).
import { isDefaultIngressClass } from "../../../core/api/kinds/mod.ts";
import type { Ingress, IngressClass } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { storedObject } from "../stored-object.ts";

const group = "networking.k8s.io";
const classAnnotation = "kubernetes.io/ingress.class";

/** The newest first; of one second, by name. */
function byAge(a: IngressClass, b: IngressClass): number {
  const [x, y] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (x !== y) return x > y ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

export const ingressClass: AdmissionPlugin = ({ operation, def, object, subresource }, core) => {
  if (operation !== "CREATE" || def.group !== group || def.plural !== "ingresses" || subresource !== "")
    return;
  const { metadata, spec } = object as Ingress;
  if (!spec || spec.ingressClassName != null || metadata.annotations?.[classAnnotation] !== undefined) return;
  const classes = core.store
    .range(`/registry/${group}/ingressclasses/`)
    .map((kv) => storedObject(kv) as IngressClass)
    .filter(isDefaultIngressClass)
    .sort(byAge);
  if (classes[0]) spec.ingressClassName = classes[0].metadata.name!;
};
