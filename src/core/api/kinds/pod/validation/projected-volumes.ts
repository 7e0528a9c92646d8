// The parts of volumes that are made of keys, fields and tokens (kubernetes pkg/apis/core/validation validateProjectionSources).
import type { FieldError } from "../../../status.ts";
import type { Volume } from "../../../types.ts";
import { forbidden, invalid, required } from "../../meta/mod.ts";
import { validateFieldRef, validateResourceFieldRef } from "./field-refs.ts";
import { fileMode, localNonReservedPath } from "./paths.ts";

type Projected = NonNullable<Volume["projected"]>;
type DownwardItem = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];
interface KeyToPath {
  key: string;
  path: string;
  mode?: number;
}

export function validateKeyToPath(item: KeyToPath, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!item.key) errors.push(required(`${path}.key`));
  if (!item.path) errors.push(required(`${path}.path`));
  return [
    ...errors,
    ...localNonReservedPath(`${path}.path`, item.path ?? ""),
    ...fileMode(`${path}.mode`, item.mode),
  ];
}

/** Kubernetes names the volume, not the item, in these errors. */
export function validateDownwardItems(items: readonly DownwardItem[], path: string): FieldError[] {
  return items.flatMap((item) => {
    const errors: FieldError[] = [];
    if (!item.path) errors.push(required(`${path}.path`));
    errors.push(...localNonReservedPath(`${path}.path`, item.path ?? ""));
    if (item.fieldRef) {
      errors.push(...validateFieldRef(item.fieldRef, `${path}.fieldRef`, "volume"));
      if (item.resourceFieldRef)
        errors.push(
          invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
        );
    } else if (item.resourceFieldRef)
      errors.push(...validateResourceFieldRef(item.resourceFieldRef, `${path}.resourceFieldRef`, "volume"));
    else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
    return [...errors, ...fileMode(`${path}.mode`, item.mode)];
  });
}

const MAX_TOKEN_SECONDS = 2 ** 32;

function validateToken(
  token: { expirationSeconds?: number; path: string },
  at: string,
  volume: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const seconds = token.expirationSeconds ?? 3600;
  const field = `${at}.expirationSeconds`;
  if (seconds < 600) errors.push(invalid(field, seconds, "may not specify a duration less than 10 minutes"));
  if (seconds > MAX_TOKEN_SECONDS)
    errors.push(invalid(field, seconds, "may not specify a duration larger than 2^32 seconds"));
  if (!token.path) return [...errors, required(`${volume}.path`)];
  return [...errors, ...localNonReservedPath(`${volume}.path`, token.path)];
}

export function validateProjected(projected: Projected, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  const take = (file: string | undefined, value: string) => {
    if (!file) return;
    if (taken.has(file)) errors.push(invalid(path, value, "conflicting duplicate paths"));
    taken.add(file);
  };
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const here = `${path}.sources[${i}]`;
    for (const kind of ["secret", "configMap"] as const) {
      const from = source[kind];
      if (!from) continue;
      if (!from.name) errors.push(required(`${here}.${kind}.name`));
      for (const [j, item] of (from.items ?? []).entries()) {
        errors.push(...validateKeyToPath(item, `${here}.${kind}.items[${j}]`));
        take(item.path, from.name ?? "");
      }
    }
    for (const item of source.downwardAPI?.items ?? []) {
      errors.push(...validateDownwardItems([item], `${here}.downwardAPI`));
      take(item.path, item.path);
    }
    if (source.serviceAccountToken)
      errors.push(...validateToken(source.serviceAccountToken, `${here}.serviceAccountToken`, path));
    const bundle = source.clusterTrustBundle;
    if (bundle) {
      const at = `${here}.clusterTrustBundle`;
      if (bundle.name != null && bundle.signerName != null)
        errors.push(invalid(at, bundle, "only one of name and signerName may be used"));
      else if (bundle.name == null && bundle.signerName == null)
        errors.push(required(at, "either name or signerName must be specified"));
      if (!bundle.path) errors.push(required(`${at}.path`));
      errors.push(...localNonReservedPath(`${at}.path`, bundle.path ?? ""));
      take(bundle.path, bundle.path);
    }
    if (Object.values(source).filter((s) => s != null).length > 1)
      errors.push(forbidden(here, "may not specify more than 1 volume type per source"));
  }
  return errors;
}
