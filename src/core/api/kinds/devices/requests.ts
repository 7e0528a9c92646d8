// What a claim asks for: its requests, and references to them by name (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { DeviceClaim } from "../../types.ts";
import { invalid, notSupported, required } from "../meta/mod.ts";
import { validateSelectors } from "./configuration.ts";
import { validateList } from "./lists.ts";
import { validateClassName, validateShortName } from "./names.ts";
import { setTolerationDefaults, validateToleration } from "./tolerations.ts";

type Request = NonNullable<DeviceClaim["requests"]>[number];
type SubRequest = NonNullable<Request["firstAvailable"]>[number];
type Wanted = Omit<SubRequest, "name">;

export const maxRequests = 32;
const maxAlternatives = 8;

function setWantedDefaults(w: Wanted): void {
  if (!w.allocationMode) w.allocationMode = "ExactCount";
  if (w.allocationMode === "ExactCount" && !w.count) w.count = 1;
  setTolerationDefaults(w.tolerations);
}

export function setClaimDefaults(devices: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of devices?.requests ?? [])
    for (const wanted of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])])
      setWantedDefaults(wanted);
}

function validateCount({ allocationMode, count = 0 }: Wanted, path: string): FieldError[] {
  switch (allocationMode) {
    case "All":
      return count === 0
        ? []
        : [invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'")];
    case "ExactCount":
      return count > 0 ? [] : [invalid(`${path}.count`, count, "must be greater than zero")];
    default:
      return [notSupported(`${path}.allocationMode`, allocationMode, ["All", "ExactCount"])];
  }
}

function validateWanted(w: Wanted, path: string): FieldError[] {
  return [
    ...validateClassName(w.deviceClassName, `${path}.deviceClassName`),
    ...validateSelectors(w.selectors, `${path}.selectors`),
    ...validateCount(w, path),
    ...(w.tolerations ?? []).flatMap((t, i) => validateToleration(t, `${path}.tolerations[${i}]`)),
  ];
}

const validateAlternative = (s: SubRequest, path: string): FieldError[] => [
  ...validateShortName(s.name, `${path}.name`),
  ...validateWanted(s, path),
];

function validateWays({ exactly, firstAvailable }: Request, path: string): FieldError[] {
  const oneOf = "exactly one of `exactly` or `firstAvailable` is required";
  const alternatives = firstAvailable ?? [];
  if (exactly && alternatives.length > 0)
    return [invalid(path, null, `${oneOf}, but multiple fields are set`)];
  if (exactly) return validateWanted(exactly, `${path}.exactly`);
  if (alternatives.length === 0) return [required(path, oneOf)];
  return validateList(alternatives, `${path}.firstAvailable`, {
    max: maxAlternatives,
    item: validateAlternative,
    key: (s) => s.name,
  });
}

export const validateRequest = (r: Request, path: string): FieldError[] => [
  ...validateShortName(r.name, `${path}.name`),
  ...validateWays(r, path),
];

/** Names of requests, `gpu`, and of their alternatives, `gpu/big`. */
export function requestNames(devices: DeviceClaim | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable } of devices?.requests ?? []) {
    names.add(name);
    for (const s of firstAvailable ?? []) names.add(`${name}/${s.name}`);
  }
  return names;
}

/** One such name where it is referred to. */
export function validateRequestReference(
  name: string | undefined,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] {
  const text = name ?? "";
  const unknown = invalid(
    path,
    text,
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
  );
  const parts = text.split("/");
  if (parts.length > 2) return [unknown];
  return [...parts.flatMap((part) => validateShortName(part, path)), ...(names.has(text) ? [] : [unknown])];
}

/** The requests that a constraint or a configuration is about; none means all. */
export const validateRequestReferences = (
  list: readonly string[] | undefined,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] =>
  validateList(list, path, {
    max: maxRequests,
    item: (name, at) => validateRequestReference(name, at, names),
    key: (name) => name,
  });
