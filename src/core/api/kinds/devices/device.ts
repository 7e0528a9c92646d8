// One device of a slice (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { Device } from "../../types.ts";
import { invalid, required, semanticEqual, tooLong } from "../meta/mod.ts";
import { validateBindingConditions } from "./binding-conditions.ts";
import { validateCapacity } from "./capacity.ts";
import { validateConsumption } from "./counters.ts";
import { validateList, validateMap } from "./lists.ts";
import { validateQualifiedName, validateShortName } from "./names.ts";
import { validateNodeChoice } from "./node-choice.ts";
import { validateTaint } from "./tolerations.ts";

type Attribute = NonNullable<Device["attributes"]>[string];

const maxFacts = 32;
const maxTaints = 16;
const maxConsumptions = 2;
const valueBytes = 64;
/** A domain, a slash, an identifier. */
const nameLength = 63 + 1 + 32;

const number = "(0|[1-9]\\d*)";
const release = `(${number}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const build = "[0-9a-zA-Z-]+";
const version = new RegExp(
  `^${number}\\.${number}\\.${number}(-${release}(\\.${release})*)?(\\+${build}(\\.${build})*)?$`,
);

const notLonger = (text: string, path: string): FieldError[] =>
  Buffer.byteLength(text) > valueBytes ? [tooLong(path, valueBytes)] : [];

function validateAttribute(a: Attribute, path: string): FieldError[] {
  const values = [a.bool, a.int, a.string, a.version].filter((v) => v != null);
  const errors: FieldError[] = [];
  if (a.string != null) errors.push(...notLonger(a.string, `${path}.string`));
  if (a.version != null) {
    const at = `${path}.version`;
    if (!version.test(a.version))
      errors.push(invalid(at, a.version, "must be a string compatible with semver.org spec 2.0.0"));
    errors.push(...notLonger(a.version, at));
  }
  if (values.length !== 1)
    errors.push(invalid(path, values.length === 0 ? "" : a, "exactly one value must be specified"));
  return errors;
}

function validateNodes(d: Device, path: string, perDevice: boolean): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = d;
  if (!perDevice)
    return nodeName == null && nodeSelector == null && allNodes == null
      ? []
      : [
          invalid(
            path,
            null,
            "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
          ),
        ];
  const { taken, errors } = validateNodeChoice(d, path, { emptyName: "must not be empty" });
  const detail =
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (taken.length === 0) return [...errors, required(path, detail)];
  return taken.length === 1 ? errors : [...errors, invalid(path, `{${taken.join(", ")}}`, detail)];
}

function validateFacts(d: Device, path: string): FieldError[] {
  const count = Object.keys(d.attributes ?? {}).length + Object.keys(d.capacity ?? {}).length;
  const rules = { max: Number.POSITIVE_INFINITY, keyLength: nameLength, key: validateQualifiedName };
  const shared = d.allowMultipleAllocations === true;
  return [
    ...(count > maxFacts
      ? [invalid(path, count, `the total number of attributes and capacities must not exceed ${maxFacts}`)]
      : []),
    ...validateMap(d.attributes, `${path}.attributes`, { ...rules, item: validateAttribute }),
    ...validateMap(d.capacity, `${path}.capacity`, {
      ...rules,
      item: (c, at) => validateCapacity(c, at, { shared }),
    }),
  ];
}

/** `perDevice`: each device says itself which nodes reach it. Taints that `old` has are not looked at again. */
export function validateDevice(
  d: Device,
  path: string,
  { perDevice, old }: { perDevice: boolean; old: Device | undefined },
): FieldError[] {
  return [
    ...validateShortName(d.name, `${path}.name`),
    ...validateFacts(d, path),
    ...(old && semanticEqual(old.taints, d.taints)
      ? []
      : validateList(d.taints, `${path}.taints`, { max: maxTaints, item: validateTaint })),
    ...validateList(d.consumesCounters, `${path}.consumesCounters`, {
      max: maxConsumptions,
      item: validateConsumption,
      key: (c) => c.counterSet,
    }),
    ...validateNodes(d, path, perDevice),
    ...validateBindingConditions(d, path),
  ];
}
