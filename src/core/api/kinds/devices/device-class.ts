// resource.k8s.io/v1 DeviceClass: which devices a claim may ask for under one name (kubernetes pkg/registry/resource/deviceclass).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { DeviceClass } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { invalid, semanticEqual } from "../meta/mod.ts";
import { isExtendedResource } from "../pod/mod.ts";
import { ageColumn, nameColumn } from "../table/mod.ts";
import { maxConfigurations, validateConfiguration, validateSelectors } from "./configuration.ts";
import { validateList } from "./lists.ts";

/** `old`: what it says to drivers may stay as big as it is. */
function validate({ spec }: DeviceClass, old?: DeviceClass): FieldError[] {
  const stored = old !== undefined && semanticEqual(spec?.config, old.spec?.config);
  const resource = spec?.extendedResourceName;
  return [
    ...validateSelectors(spec?.selectors, "spec.selectors"),
    ...validateList(spec?.config, "spec.config", {
      max: maxConfigurations,
      item: (c, path) => validateConfiguration(c, path, { stored }),
    }),
    ...(resource == null || isExtendedResource(resource)
      ? []
      : [invalid("spec.extendedResourceName", resource, "must be a valid extended resource name")]),
  ];
}

const { prepareForCreate, prepareForUpdate } = specAndStatus<DeviceClass>();

export const deviceClass: ResourceDefinition<DeviceClass> = define<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  singular: "deviceclass",
  namespaced: false,
  model: "V1DeviceClass",
  prepareForCreate,
  prepareForUpdate,
  validate: (c) => validate(c),
  validateUpdate: (c, old) => validate(c, old),
  columns: [nameColumn, ageColumn],
});
