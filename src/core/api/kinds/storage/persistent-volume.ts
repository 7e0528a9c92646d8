// v1 PersistentVolume (kubernetes pkg/registry/core/persistentvolume). Of the volume sources only that there is exactly one
// is checked, and the paths of those that a node here can mount.
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { PersistentVolume } from "../../types.ts";
import { define, keep } from "../define.ts";
import { forbidden, immutable, invalid, notSupported, required, semanticEqual } from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import { accessModesText, validateAccessModes, validatePositiveQuantity } from "./access-modes.ts";

type Spec = NonNullable<PersistentVolume["spec"]>;

/** Everything in a spec that is no volume source. */
const common = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);
const reclaimPolicies = ["Delete", "Recycle", "Retain"];

const sourcesOf = (spec: Spec): string[] =>
  Object.entries(spec)
    .filter(([key, value]) => !common.has(key) && value != null)
    .map(([key]) => key);

function validatePath(path: string | undefined, at: string): FieldError[] {
  if (!path) return [required(at)];
  if (path.split("/").includes("..")) return [invalid(at, path, "must not contain '..'")];
  return [];
}

function validate(v: PersistentVolume): FieldError[] {
  const spec = v.spec ?? ({} as Spec);
  const errors: FieldError[] = [];
  if (!spec.accessModes?.length) errors.push(required("spec.accessModes"));
  errors.push(...validateAccessModes(spec.accessModes ?? [], "spec.accessModes"));
  const capacity = spec.capacity ?? {};
  if (Object.keys(capacity).length === 0) errors.push(required("spec.capacity"));
  if (!Object.hasOwn(capacity, "storage") || Object.keys(capacity).length > 1)
    errors.push(notSupported("spec.capacity", capacity, ["storage"]));
  for (const [name, value] of Object.entries(capacity))
    errors.push(...validatePositiveQuantity(value, `spec.capacity[${name}]`));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && !reclaimPolicies.includes(policy))
    errors.push(notSupported("spec.persistentVolumeReclaimPolicy", policy, reclaimPolicies));
  const sources = sourcesOf(spec);
  if (sources.length === 0) errors.push(required("spec", "must specify a volume type"));
  for (const extra of sources.slice(1))
    errors.push(forbidden(`spec.${extra}`, "may not specify more than 1 volume type"));
  if (spec.hostPath) errors.push(...validatePath(spec.hostPath.path, "spec.hostPath.path"));
  if (spec.local) {
    errors.push(...validatePath(spec.local.path, "spec.local.path"));
    if (!spec.nodeAffinity) errors.push(required("spec.nodeAffinity", "Local volume requires node affinity"));
  }
  if (spec.nodeAffinity && !spec.nodeAffinity.required)
    errors.push(required("spec.nodeAffinity.required", "must specify required node constraints"));
  if (spec.hostPath?.path === "/" && policy === "Recycle")
    errors.push(
      forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"),
    );
  return errors;
}

function validateUpdate(v: PersistentVolume, old: PersistentVolume): FieldError[] {
  const sources = (spec: Spec | undefined): object =>
    Object.fromEntries(Object.entries(spec ?? {}).filter(([key]) => !common.has(key)));
  const errors = validate(v);
  if (!semanticEqual(sources(v.spec), sources(old.spec)))
    errors.push(
      forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"),
    );
  errors.push(...immutable("volumeMode", v.spec?.volumeMode, old.spec?.volumeMode));
  if (old.spec?.nodeAffinity)
    errors.push(...immutable("nodeAffinity", v.spec?.nodeAffinity, old.spec.nodeAffinity));
  return errors;
}

export const persistentVolume: ResourceDefinition<PersistentVolume> = define<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  singular: "persistentvolume",
  shortNames: ["pv"],
  namespaced: false,
  model: "V1PersistentVolume",
  subresources: [statusOf("PersistentVolume")],
  setDefaults(v) {
    v.spec ??= {} as Spec;
    v.spec.persistentVolumeReclaimPolicy ||= "Retain";
    v.spec.volumeMode ||= "Filesystem";
    if (v.spec.hostPath) v.spec.hostPath.type ??= "";
    v.status ??= {};
    v.status.phase ||= "Pending";
  },
  prepareForCreate(v, { now }) {
    v.status = { phase: "Pending", lastPhaseTransitionTime: now };
  },
  prepareForUpdate(v, old) {
    keep(v, old, "status");
  },
  prepareForStatusUpdate(v, old) {
    keep(v, old, "spec");
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    column(
      "Capacity",
      "capacity is the description of the persistent volume's resources.",
      (v) => v.spec?.capacity?.storage ?? "0",
    ),
    column("Access Modes", "accessModes contains all ways the volume can be mounted.", (v) =>
      accessModesText(v.spec?.accessModes),
    ),
    column(
      "Reclaim Policy",
      "persistentVolumeReclaimPolicy defines what happens to a volume released from its claim.",
      (v) => v.spec?.persistentVolumeReclaimPolicy ?? "",
    ),
    column("Status", "phase indicates if a volume is available, bound or released by a claim.", (v) =>
      v.metadata.deletionTimestamp ? "Terminating" : (v.status?.phase ?? ""),
    ),
    column("Claim", "claimRef is the binding between the volume and a claim.", (v) => {
      const ref = v.spec?.claimRef;
      return ref ? `${ref.namespace ?? ""}/${ref.name ?? ""}` : "";
    }),
    column("StorageClass", "StorageClass of the pv", (v) => v.spec?.storageClassName ?? ""),
    column(
      "VolumeAttributesClass",
      "VolumeAttributesClass of the pv",
      (v) => v.spec?.volumeAttributesClassName ?? "<unset>",
    ),
    column("Reason", "reason is a brief string that describes any failure.", (v) => v.status?.reason ?? ""),
    ageColumn,
    column(
      "VolumeMode",
      "volumeMode defines if a volume is to be used with a formatted filesystem.",
      (v) => v.spec?.volumeMode ?? "<unset>",
      { wide: true },
    ),
  ],
  fields: { name: (v) => v.metadata.name ?? "" },
});
