// What claims and volumes have in common: access modes and how they are printed (kubernetes pkg/apis/core/helper).
import { compareQuantities, parseQuantity, quantityError } from "../../quantity/mod.ts";
import type { FieldError } from "../../status.ts";
import { forbidden, invalid, notSupported } from "../meta/mod.ts";

const shortModes = new Map([
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
]);

/** `RWO,RWX`. */
export const accessModesText = (modes: readonly string[] | undefined): string =>
  [...shortModes].flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(",");

export function validateAccessModes(modes: readonly string[], path: string): FieldError[] {
  const known = [...shortModes.keys()].sort();
  const errors = modes.filter((m) => !shortModes.has(m)).map((m) => notSupported(path, m, known));
  if (modes.includes("ReadWriteOncePod") && modes.some((m) => m !== "ReadWriteOncePod" && shortModes.has(m)))
    errors.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  return errors;
}

export function validatePositiveQuantity(value: string, path: string): FieldError[] {
  const error = quantityError(value);
  if (error !== undefined) return [invalid(path, value, error)];
  if (compareQuantities(parseQuantity(value), parseQuantity("0")) > 0) return [];
  return [invalid(path, value, "must be greater than zero")];
}

export const volumeModes = ["Block", "Filesystem"];
