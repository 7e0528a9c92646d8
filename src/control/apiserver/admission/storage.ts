// A claim without a class gets the default one (DefaultStorageClass); what is in use is protected from deletion by a
// finalizer (StorageObjectInUseProtection).
import { isDefaultStorageClass } from "../../../core/api/kinds/mod.ts";
import type { KubeObject, PersistentVolumeClaim, StorageClass } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { storedObject } from "../stored-object.ts";

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  persistentvolumes: "kubernetes.io/pv-protection",
};
const betaAnnotation = "volume.beta.kubernetes.io/storage-class";
const prefix = "/registry/storage.k8s.io/storageclasses/";

function protect(object: KubeObject, finalizer: string): void {
  const has = object.metadata.finalizers ?? [];
  if (!has.includes(finalizer)) object.metadata.finalizers = [...has, finalizer];
}

/** Newest first, then by name. */
function compare(a: StorageClass, b: StorageClass): number {
  const [x, y] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (x !== y) return x > y ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

export const storageProtection: AdmissionPlugin = ({ operation, def, object, subresource }) => {
  if (operation !== "CREATE" || def.group !== "" || !object || subresource !== "") return;
  const finalizer = Object.hasOwn(finalizers, def.plural) ? finalizers[def.plural] : undefined;
  if (finalizer !== undefined) protect(object, finalizer);
};

export const defaultStorageClass: AdmissionPlugin = ({ operation, def, object, subresource }, core) => {
  if (operation !== "CREATE" || def.group !== "" || def.plural !== "persistentvolumeclaims") return;
  if (!object || subresource !== "") return;
  const { spec, metadata } = object as PersistentVolumeClaim;
  if (!spec || spec.storageClassName != null || metadata.annotations?.[betaAnnotation] !== undefined) return;
  const [first] = core.store
    .range(prefix)
    .map((kv) => storedObject(kv) as StorageClass)
    .filter(isDefaultStorageClass)
    .sort(compare);
  if (first) spec.storageClassName = first.metadata.name!;
};
