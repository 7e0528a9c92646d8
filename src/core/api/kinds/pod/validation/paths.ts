// Paths in the file systems of containers and volumes.
import type { FieldError } from "../../../status.ts";
import { invalid } from "../../meta/mod.ts";

export function noBacksteps(path: string, value: string): FieldError[] {
  return value.split("/").includes("..") ? [invalid(path, value, "must not contain '..'")] : [];
}

/** Relative, and never upward. */
export function localPath(path: string, value: string): FieldError[] {
  const errors = value.startsWith("/") ? [invalid(path, value, "must be a relative path")] : [];
  return [...errors, ...noBacksteps(path, value)];
}

/** A local path that does not begin with `..`, which the kubelet keeps for itself. */
export function localNonReservedPath(path: string, value: string): FieldError[] {
  const errors = localPath(path, value);
  if (value.startsWith("..") && !value.startsWith("../"))
    errors.push(invalid(path, value, "must not start with '..'"));
  return errors;
}

/** Permission bits. */
export function fileMode(path: string, mode: number | null | undefined): FieldError[] {
  if (mode == null || (mode >= 0 && mode <= 0o777)) return [];
  return [invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}
