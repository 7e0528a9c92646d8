// resource.k8s.io/v1 ResourceSlice: some of a driver's devices (kubernetes pkg/registry/resource/resourceslice).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ResourceSlice } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { immutable, invalid, required } from "../meta/mod.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import { validateCounterSet } from "./counters.ts";
import { validateDevice } from "./device.ts";
import { validateList } from "./lists.ts";
import { validateDriverName, validatePoolName } from "./names.ts";
import { validateNodeChoice } from "./node-choice.ts";

type Spec = ResourceSlice["spec"];

const maxDevices = 128;
/** Where any of them is tainted or draws from counters. */
const maxElaborateDevices = 64;
const maxCounterSets = 8;

/** Devices can say these things only where Kubernetes' alpha features are on. */
const alphaLists = ["bools", "ints", "strings", "versions"] as const;

function settle(slice: ResourceSlice, now: string): void {
  for (const device of slice.spec?.devices ?? []) {
    for (const attribute of Object.values(device.attributes ?? {}))
      for (const key of alphaLists) delete attribute[key];
    delete device.nodeAllocatableResourceMappings;
    for (const taint of device.taints ?? []) taint.timeAdded ??= now;
  }
}

function validatePool(pool: Partial<Spec["pool"]> | undefined, path: string): FieldError[] {
  const { name, resourceSliceCount = 0, generation = 0 } = pool ?? {};
  return [
    ...validatePoolName(name, `${path}.name`),
    ...(resourceSliceCount > 0
      ? []
      : [invalid(`${path}.resourceSliceCount`, resourceSliceCount, "must be greater than zero")]),
    ...(generation >= 0
      ? []
      : [invalid(`${path}.generation`, generation, "must be greater than or equal to zero")]),
  ];
}

function validateNodes(spec: Partial<Spec>): FieldError[] {
  const { taken, errors } = validateNodeChoice(spec, "spec", {
    emptyName: "must be either unset or set to a non-empty string",
  });
  const terms = spec.nodeSelector?.nodeSelectorTerms ?? [];
  if (spec.nodeSelector && terms.length !== 1)
    errors.push(
      invalid("spec.nodeSelector.nodeSelectorTerms", terms, "must have exactly one node selector term"),
    );
  const oneOf = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (taken.length === 0) errors.push(required("spec", oneOf));
  if (taken.length > 1)
    errors.push(invalid("spec", `{${taken.join(", ")}}`, `${oneOf}, but multiple fields are set`));
  return errors;
}

function validateFixed(spec: Partial<Spec>, old: Partial<Spec>): FieldError[] {
  return [
    ...immutable("spec.pool.name", spec.pool?.name, old.pool?.name),
    ...immutable("spec.driver", spec.driver, old.driver),
    ...immutable("spec.nodeName", spec.nodeName, old.nodeName),
  ];
}

function validateDevices(spec: Partial<Spec>, old: Partial<Spec> | undefined): FieldError[] {
  const devices = spec.devices ?? [];
  const elaborate = devices.some((d) => d.taints?.length || d.consumesCounters?.length);
  const perDevice = spec.perDeviceNodeSelection === true;
  const before = new Map((old?.devices ?? []).map((d) => [d.name, d]));
  return [
    ...(spec.sharedCounters && spec.devices
      ? [invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")]
      : []),
    ...validateList(devices, "spec.devices", {
      max: elaborate ? maxElaborateDevices : maxDevices,
      item: (d, at) => validateDevice(d, at, { perDevice, old: before.get(d.name) }),
      key: (d) => d.name,
    }),
    ...validateList(spec.sharedCounters, "spec.sharedCounters", {
      max: maxCounterSets,
      item: validateCounterSet,
      key: (s) => s.name,
    }),
  ];
}

function validate(slice: ResourceSlice, before?: ResourceSlice): FieldError[] {
  const spec: Partial<Spec> = slice.spec ?? {};
  const old = before && (before.spec ?? {});
  return [
    ...validateDriverName(spec.driver, "spec.driver"),
    ...validatePool(spec.pool, "spec.pool"),
    ...(old ? validateFixed(spec, old) : []),
    ...validateNodes(spec),
    ...validateDevices(spec, old),
  ];
}

const strategy = specAndStatus<ResourceSlice>();

export const resourceSlice: ResourceDefinition<ResourceSlice> = define<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  singular: "resourceslice",
  namespaced: false,
  model: "V1ResourceSlice",
  prepareForCreate(slice, ctx) {
    settle(slice, ctx.now);
    strategy.prepareForCreate(slice, ctx);
  },
  prepareForUpdate(slice, old, ctx) {
    settle(slice, ctx.now);
    strategy.prepareForUpdate(slice, old, ctx);
  },
  validate: (slice) => validate(slice),
  validateUpdate: (slice, old) => validate(slice, old),
  warnings({ spec }) {
    const driver = spec?.driver ?? "";
    return driver === driver.toLowerCase()
      ? []
      : [
          `spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`,
        ];
  },
  columns: [
    nameColumn,
    column("Node", "The only node that reaches the devices, if there is one.", (s) => s.spec?.nodeName ?? ""),
    column("Driver", "The driver whose devices these are.", (s) => s.spec?.driver ?? ""),
    column("Pool", "The pool that the devices belong to.", (s) => s.spec?.pool?.name ?? ""),
    ageColumn,
  ],
  fields: {
    "spec.nodeName": (s) => s.spec?.nodeName ?? "",
    "spec.driver": (s) => s.spec?.driver ?? "",
  },
});
