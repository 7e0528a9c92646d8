// storage.k8s.io/v1 StorageClass (kubernetes pkg/registry/storage/storageclass).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { StorageClass } from "../../types.ts";
import { define } from "../define.ts";
import {
  immutable,
  invalid,
  invalidEach,
  notSupported,
  qualifiedName,
  required,
  tooLong,
} from "../meta/mod.ts";
import { ageColumn, column } from "../table/mod.ts";

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];
const reclaimPolicies = ["Delete", "Retain"];
const bindingModes = ["Immediate", "WaitForFirstConsumer"];
const mostParameters = 512;
const parameterBytes = 256 * 1024;

/** Claims that name no class get the newest such class. */
export const isDefaultStorageClass = (c: StorageClass): boolean =>
  defaultAnnotations.some((a) => c.metadata.annotations?.[a] === "true");

function validate(c: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!c.provisioner) errors.push(required("provisioner"));
  else
    errors.push(
      ...invalidEach("provisioner", c.provisioner.toLowerCase(), qualifiedName(c.provisioner.toLowerCase())),
    );
  const parameters = Object.entries(c.parameters ?? {});
  if (parameters.length > mostParameters) errors.push(tooLong("parameters", mostParameters));
  for (const [key] of parameters)
    if (key === "") errors.push(invalid("parameters", key, "field can not be empty."));
  if (parameters.reduce((n, [k, v]) => n + k.length + v.length, 0) > parameterBytes)
    errors.push(tooLong("parameters", parameterBytes));
  if (c.reclaimPolicy && !reclaimPolicies.includes(c.reclaimPolicy))
    errors.push(notSupported("reclaimPolicy", c.reclaimPolicy, reclaimPolicies));
  if (!c.volumeBindingMode) errors.push(required("volumeBindingMode"));
  else if (!bindingModes.includes(c.volumeBindingMode))
    errors.push(notSupported("volumeBindingMode", c.volumeBindingMode, bindingModes));
  return errors;
}

export const storageClass: ResourceDefinition<StorageClass> = define<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  singular: "storageclass",
  shortNames: ["sc"],
  namespaced: false,
  model: "V1StorageClass",
  setDefaults(c) {
    c.reclaimPolicy ||= "Delete";
    c.volumeBindingMode ||= "Immediate";
  },
  validate,
  validateUpdate: (c, old) => [
    ...validate(c),
    ...(["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] as const).flatMap((key) =>
      immutable(key, c[key], old[key]),
    ),
  ],
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "Name must be unique within a namespace.",
      cell: (c) => `${c.metadata.name ?? ""}${isDefaultStorageClass(c) ? " (default)" : ""}`,
    },
    column("Provisioner", "provisioner indicates the type of the provisioner.", (c) => c.provisioner ?? ""),
    column(
      "ReclaimPolicy",
      "reclaimPolicy controls the reclaimPolicy for dynamically provisioned volumes of this class.",
      (c) => c.reclaimPolicy ?? "Delete",
    ),
    column(
      "VolumeBindingMode",
      "volumeBindingMode indicates how claims should be provisioned and bound.",
      (c) => c.volumeBindingMode ?? "Immediate",
    ),
    column(
      "AllowVolumeExpansion",
      "allowVolumeExpansion shows whether the storage class allows volume expand.",
      (c) => c.allowVolumeExpansion ?? false,
    ),
    ageColumn,
  ],
});
