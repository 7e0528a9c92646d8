// What classes and claims say to a driver, and which devices they select (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { DeviceClaim, DeviceSelector } from "../../types.ts";
import { invalid, required, tooLong } from "../meta/mod.ts";
import { validateList } from "./lists.ts";
import { validateDriverName } from "./names.ts";

type Configuration = Pick<NonNullable<DeviceClaim["config"]>[number], "opaque">;

const expressionBytes = 10 * 1024;
const maxSelectors = 32;
export const maxConfigurations = 32;
/** Of parameters, and of the data in a claim's status. */
const rawBytes = 10 * 1024;
const omitted = "<value omitted>";

/** An object that only a driver understands. `stored`: it is there already, as big as it is. */
export function validateRaw(value: unknown, path: string, { stored } = { stored: false }): FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  if (!stored && Buffer.byteLength(JSON.stringify(value)) > rawBytes) return [tooLong(path, rawBytes)];
  return typeof value === "object" && !Array.isArray(value)
    ? []
    : [invalid(path, omitted, "must be a valid JSON object")];
}

export function validateConfiguration(
  { opaque }: Configuration,
  path: string,
  options?: { stored: boolean },
): FieldError[] {
  const at = `${path}.opaque`;
  if (!opaque) return [required(at)];
  return [
    ...validateDriverName(opaque.driver, `${at}.driver`),
    ...validateRaw(opaque.parameters, `${at}.parameters`, options),
  ];
}

function validateSelector({ cel }: DeviceSelector, path: string): FieldError[] {
  if (!cel) return [required(`${path}.cel`)];
  const at = `${path}.cel.expression`;
  const expression = cel.expression ?? "";
  if (Buffer.byteLength(expression) > expressionBytes) return [tooLong(at, expressionBytes)];
  return expression.trim() === "" ? [invalid(at, expression, "compilation failed: it is empty")] : [];
}

export const validateSelectors = (
  selectors: readonly DeviceSelector[] | undefined,
  path: string,
): FieldError[] => validateList(selectors, path, { max: maxSelectors, item: validateSelector });
