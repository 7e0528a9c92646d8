// v1 PersistentVolumeClaim (kubernetes pkg/registry/core/persistentvolumeclaim).
import { compareQuantities, parseQuantity } from "../../quantity/mod.ts";
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { PersistentVolumeClaim } from "../../types.ts";
import { define, keep } from "../define.ts";
import {
  dns1123Subdomain,
  forbidden,
  immutable,
  invalidEach,
  notSupported,
  required,
  semanticEqual,
  validateLabelSelector,
} from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import {
  accessModesText,
  validateAccessModes,
  validatePositiveQuantity,
  volumeModes,
} from "./access-modes.ts";

type Spec = NonNullable<PersistentVolumeClaim["spec"]>;

/** How a class was asked for before there was a field. */
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** `path` is the spec's. */
export function validateClaimSpec(given: Spec | undefined, path: string): FieldError[] {
  const spec = given ?? ({} as Spec);
  const errors: FieldError[] = [];
  const storage = spec.resources?.requests?.storage;
  if (!spec.accessModes?.length)
    errors.push(required(`${path}.accessModes`, "at least 1 access mode is required"));
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, `${path}.selector`));
  errors.push(...validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`));
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`));
  else errors.push(...validatePositiveQuantity(storage, `${path}.resources[storage]`));
  if (spec.storageClassName)
    errors.push(
      ...invalidEach(
        `${path}.storageClassName`,
        spec.storageClassName,
        dns1123Subdomain(spec.storageClassName),
      ),
    );
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode))
    errors.push(notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes));
  return errors;
}

const validate = (c: PersistentVolumeClaim): FieldError[] => validateClaimSpec(c.spec, "spec");

export function setClaimDefaults(c: Pick<PersistentVolumeClaim, "spec" | "status">): void {
  c.spec ??= {} as Spec;
  c.spec.volumeMode ||= "Filesystem";
  c.status ??= {};
  c.status.phase ||= "Pending";
}

function validateUpdate(c: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validate(c);
  if (errors.length > 0) return errors;
  const was = structuredClone(old.spec ?? {}) as Spec;
  const is = structuredClone(c.spec ?? {}) as Spec;
  // What a binder fills in, once each.
  if (!was.volumeName) delete was.volumeName;
  if (!was.volumeName) delete is.volumeName;
  const annotated = old.metadata.annotations?.[classAnnotation];
  if (was.storageClassName === undefined && annotated === undefined) delete is.storageClassName;
  const sizeOf = (spec: Spec | undefined): string => spec?.resources?.requests?.storage ?? "0";
  if (old.status?.phase === "Bound" && is.resources?.requests) is.resources.requests.storage = sizeOf(was);
  if (!semanticEqual(is, was))
    errors.push(
      forbidden(
        "spec",
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
      ),
    );
  const [asked, before, has] = [sizeOf(c.spec), sizeOf(old.spec), old.status?.capacity?.storage ?? "0"].map(
    parseQuantity,
  );
  if (compareQuantities(asked!, before!) < 0 && compareQuantities(asked!, has!) <= 0)
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  return [...errors, ...immutable("volumeMode", c.spec?.volumeMode, old.spec?.volumeMode)];
}

export const persistentVolumeClaim: ResourceDefinition<PersistentVolumeClaim> = define<PersistentVolumeClaim>(
  {
    group: "",
    version: "v1",
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    singular: "persistentvolumeclaim",
    shortNames: ["pvc"],
    namespaced: true,
    model: "V1PersistentVolumeClaim",
    subresources: [statusOf("PersistentVolumeClaim")],
    setDefaults: setClaimDefaults,
    prepareForCreate(c) {
      c.status = { phase: "Pending" };
    },
    prepareForUpdate(c, old) {
      keep(c, old, "status");
    },
    prepareForStatusUpdate(c, old) {
      keep(c, old, "spec");
    },
    validate,
    validateUpdate,
    columns: [
      nameColumn,
      column("Status", "phase represents the current phase of PersistentVolumeClaim.", (c) =>
        c.metadata.deletionTimestamp ? "Terminating" : (c.status?.phase ?? ""),
      ),
      column(
        "Volume",
        "volumeName is the binding reference to the PersistentVolume backing this claim.",
        (c) => c.spec?.volumeName ?? "",
      ),
      column("Capacity", "capacity represents the actual resources of the underlying volume.", (c) =>
        c.spec?.volumeName ? (c.status?.capacity?.storage ?? "0") : "",
      ),
      column("Access Modes", "accessModes contains the actual access modes the volume has.", (c) =>
        c.spec?.volumeName ? accessModesText(c.status?.accessModes) : "",
      ),
      column(
        "StorageClass",
        "StorageClass of the pvc",
        (c) => c.metadata.annotations?.[classAnnotation] ?? c.spec?.storageClassName ?? "",
      ),
      column(
        "VolumeAttributesClass",
        "VolumeAttributesClass of the pvc",
        (c) => c.spec?.volumeAttributesClassName ?? "<unset>",
      ),
      ageColumn,
      column(
        "VolumeMode",
        "volumeMode defines what type of volume is required by the claim.",
        (c) => c.spec?.volumeMode ?? "<unset>",
        { wide: true },
      ),
    ],
    fields: { name: (c) => c.metadata.name ?? "" },
  },
);
