// Taints of devices and what tolerates them (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { Device, DeviceToleration } from "../../types.ts";
import { invalid, invalidEach, labelValue, notSupported, qualifiedName, required } from "../meta/mod.ts";

type Taint = NonNullable<Device["taints"]>[number];

const effects = ["NoExecute", "NoSchedule", "None"];

export function setTolerationDefaults(tolerations: DeviceToleration[] | undefined): void {
  for (const t of tolerations ?? []) if (!t.operator) t.operator = "Equal";
}

function validateOperator(t: DeviceToleration, path: string): FieldError[] {
  const value = t.value ?? "";
  switch (t.operator) {
    case "Exists":
      return value === "" ? [] : [invalid(`${path}.value`, value, "must be empty for operator `Exists`")];
    case "Equal":
      return invalidEach(`${path}.value`, value, labelValue(value));
    default:
      return [notSupported(`${path}.operator`, t.operator, ["Equal", "Exists"])];
  }
}

export function validateToleration(t: DeviceToleration, path: string): FieldError[] {
  return [
    ...(t.key ? invalidEach(`${path}.key`, t.key, qualifiedName(t.key)) : []),
    ...validateOperator(t, path),
    ...(!t.effect || effects.includes(t.effect) ? [] : [notSupported(`${path}.effect`, t.effect, effects)]),
  ];
}

function validateEffect(effect: string | undefined, path: string): FieldError[] {
  if (!effect) return [required(path)];
  return effects.includes(effect) ? [] : [notSupported(path, effect, effects)];
}

export function validateTaint(t: Taint, path: string): FieldError[] {
  return [
    ...invalidEach(`${path}.key`, t.key ?? "", qualifiedName(t.key ?? "")),
    ...(t.value ? invalidEach(`${path}.value`, t.value, labelValue(t.value)) : []),
    ...validateEffect(t.effect, `${path}.effect`),
  ];
}
