// Counters that the devices of a pool draw from: parts of one piece of hardware (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { Device, ResourceSlice } from "../../types.ts";
import { required } from "../meta/mod.ts";
import { validateMap } from "./lists.ts";
import { validateShortName } from "./names.ts";

type CounterSet = NonNullable<ResourceSlice["spec"]["sharedCounters"]>[number];
type Consumption = NonNullable<Device["consumesCounters"]>[number];

const maxCounters = 32;

const validateName = (name: string | undefined, path: string): FieldError[] =>
  name ? validateShortName(name, path) : [required(path)];

function validateCounters(counters: CounterSet["counters"] | undefined, path: string): FieldError[] {
  if (Object.keys(counters ?? {}).length === 0) return [required(path)];
  return validateMap(counters, path, {
    max: maxCounters,
    keyLength: 63,
    key: validateShortName,
    item: () => [],
  });
}

export const validateCounterSet = (s: CounterSet, path: string): FieldError[] => [
  ...validateName(s.name, `${path}.name`),
  ...validateCounters(s.counters, `${path}.counters`),
];

export const validateConsumption = (c: Consumption, path: string): FieldError[] => [
  ...validateName(c.counterSet, `${path}.counterSet`),
  ...validateCounters(c.counters, `${path}.counters`),
];
