// What drivers, pools, devices, attributes and shares may be called (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import {
  cIdentifier,
  dns1123Label,
  dns1123Subdomain,
  invalid,
  invalidEach,
  required,
  tooLong,
} from "../meta/mod.ts";

const driverBytes = 63;
const poolBytes = 253;
const identifierBytes = 32;

/** A domain; capital letters are taken, as in the names of CSI drivers. */
export function validateDriverName(value: string | undefined, path: string): FieldError[] {
  if (!value) return [required(path)];
  return [
    ...(Buffer.byteLength(value) > driverBytes ? [tooLong(path, driverBytes)] : []),
    ...invalidEach(path, value, dns1123Subdomain(value.toLowerCase())),
  ];
}

/** Domains with slashes between them. */
export function validatePoolName(value: string | undefined, path: string): FieldError[] {
  if (!value) return [required(path)];
  return [
    ...(Buffer.byteLength(value) > poolBytes ? [tooLong(path, poolBytes)] : []),
    ...value.split("/").flatMap((part) => invalidEach(path, part, dns1123Subdomain(part))),
  ];
}

/** A device, a request, a counter. */
export const validateShortName = (value: string | undefined, path: string): FieldError[] =>
  invalidEach(path, value ?? "", dns1123Label(value ?? ""));

export const validateClassName = (value: string | undefined, path: string): FieldError[] =>
  value ? invalidEach(path, value, dns1123Subdomain(value)) : [required(path)];

function validateIdentifier(value: string, path: string): FieldError[] {
  return [
    ...(Buffer.byteLength(value) > identifierBytes ? [tooLong(path, identifierBytes)] : []),
    ...invalidEach(path, value, cIdentifier(value)),
  ];
}

/** An attribute or a capacity: `model` of the driver's own, or `domain/model`. */
export function validateQualifiedName(value: string, path: string): FieldError[] {
  const [domain, name, more] = value.split("/") as [string, string?, string?];
  if (name === undefined) return validateIdentifier(domain, path);
  // More than one slash is let through, as Kubernetes does.
  if (more !== undefined) return [];
  return [
    ...(domain === ""
      ? [invalid(path, "", "the domain must not be empty")]
      : validateDriverName(domain, path)),
    ...(name === "" ? [invalid(path, "", "the name must not be empty")] : validateIdentifier(name, path)),
  ];
}

/** The same where there is no driver whose domain could be meant. */
export function validateFullyQualifiedName(value: string, path: string): FieldError[] {
  const detail = "a fully qualified name must be a domain and a name separated by a slash";
  return [
    ...validateQualifiedName(value, path),
    ...(value.includes("/") ? [] : [invalid(path, value, detail)]),
  ];
}

const uidForm =
  "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters";
const plainUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const anyUID =
  /^(urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$|^[0-9a-f]{32}$/i;
const lengths = [32, 36, 38, 45];

export function validateUID(value: string, path: string): FieldError[] {
  if (plainUID.test(value)) return [];
  if (anyUID.test(value)) return [invalid(path, value, uidForm)];
  const length = Buffer.byteLength(value);
  const why = lengths.includes(length) ? "invalid UUID format" : `invalid UUID length: ${length}`;
  return [invalid(path, value, `error validating uid: ${why}`)];
}
