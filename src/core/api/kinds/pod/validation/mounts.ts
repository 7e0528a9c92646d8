// Volume mounts and block devices of a container (kubernetes pkg/apis/core/validation ValidateVolumeMounts).
import type { FieldError } from "../../../status.ts";
import type { Container, Volume, VolumeMount } from "../../../types.ts";
import { forbidden, invalid, notFound, notSupported, required } from "../../meta/mod.ts";
import { localPath, noBacksteps } from "./paths.ts";

const propagations = ["Bidirectional", "HostToContainer", "None"];
const recursive = ["Disabled", "Enabled", "IfPossible"];

function validatePropagation(m: VolumeMount, c: Container, path: string): FieldError[] {
  const mode = m.mountPropagation;
  if (mode == null) return [];
  const errors = propagations.includes(mode) ? [] : [notSupported(path, mode, propagations)];
  if (mode === "Bidirectional" && c.securityContext?.privileged !== true)
    errors.push(
      forbidden(path, "Bidirectional mount propagation is available only to privileged containers"),
    );
  return errors;
}

function validateRecursiveReadOnly(m: VolumeMount, path: string): FieldError[] {
  const mode = m.recursiveReadOnly;
  if (mode == null || mode === "Disabled") return [];
  if (!recursive.includes(mode)) return [notSupported(path, mode, recursive)];
  const errors: FieldError[] = [];
  if (!m.readOnly) errors.push(forbidden(path, "may only be specified when readOnly is true"));
  if (m.mountPropagation != null && m.mountPropagation !== "None")
    errors.push(forbidden(path, "may only be specified when mountPropagation is None or not specified"));
  return errors;
}

export function validateMounts(
  c: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  const devices = c.volumeDevices ?? [];
  for (const [i, m] of (c.volumeMounts ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (!m.name) errors.push(required(`${here}.name`));
    if (!volumes.has(m.name)) errors.push(notFound(`${here}.name`, m.name ?? ""));
    if (!m.mountPath) errors.push(required(`${here}.mountPath`));
    if (taken.has(m.mountPath)) errors.push(invalid(`${here}.mountPath`, m.mountPath, "must be unique"));
    taken.add(m.mountPath);
    if (devices.some((d) => d.name === m.name))
      errors.push(invalid(`${here}.name`, m.name, "must not already exist in volumeDevices"));
    if (devices.some((d) => d.devicePath === m.mountPath))
      errors.push(
        invalid(`${here}.mountPath`, m.mountPath, "must not already exist as a path in volumeDevices"),
      );
    // Kubernetes names the list, not the mount, from here on.
    if (m.subPath) errors.push(...localPath(`${path}.subPath`, m.subPath));
    if (m.subPathExpr) {
      if (m.subPath)
        errors.push(
          invalid(`${here}.subPathExpr`, m.subPathExpr, "subPathExpr and subPath are mutually exclusive"),
        );
      errors.push(...localPath(`${path}.subPathExpr`, m.subPathExpr));
    }
    errors.push(
      ...validatePropagation(m, c, `${path}.mountPropagation`),
      ...validateRecursiveReadOnly(m, `${path}.recursiveReadOnly`),
    );
  }
  return errors;
}

export function validateDevices(
  c: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, d] of (c.volumeDevices ?? []).entries()) {
    const here = `${path}[${i}]`;
    const v = volumes.get(d.name);
    if (!d.name) errors.push(required(`${here}.name`));
    if (names.has(d.name)) errors.push(invalid(`${here}.name`, d.name, "must be unique"));
    names.add(d.name);
    if (v && !v.persistentVolumeClaim && !v.ephemeral)
      errors.push(
        invalid(
          `${here}.name`,
          d.name,
          "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
        ),
      );
    if (!v) errors.push(notFound(`${here}.name`, d.name ?? ""));
    const at = `${here}.devicePath`;
    if (!d.devicePath) errors.push(required(at));
    else if (paths.has(d.devicePath)) errors.push(invalid(at, d.devicePath, "must be unique"));
    if (d.devicePath && noBacksteps(at, d.devicePath).length > 0)
      errors.push(invalid(at, d.devicePath, "can not contain backsteps ('..')"));
    paths.add(d.devicePath);
    const mounts = c.volumeMounts ?? [];
    if (mounts.some((m) => m.name === d.name))
      errors.push(invalid(`${here}.name`, d.name, "must not already exist in volumeMounts"));
    if (mounts.some((m) => m.mountPath === d.devicePath))
      errors.push(invalid(at, d.devicePath, "must not already exist as a path in volumeMounts"));
  }
  return errors;
}
