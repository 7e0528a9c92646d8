// Security contexts of pods and containers (kubernetes pkg/apis/core/validation ValidateSecurityContext). Options for Windows
// are not looked into: there are no Windows nodes.
import type { FieldError } from "../../../status.ts";
import type { Container, PodSpec } from "../../../types.ts";
import {
  duplicate,
  forbidden,
  groupID,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
  userID,
} from "../../meta/mod.ts";
import { localPath } from "./paths.ts";

type ContainerContext = NonNullable<Container["securityContext"]>;
type PodContext = NonNullable<PodSpec["securityContext"]>;

const profiles = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateSeccomp(p: PodContext["seccompProfile"], path: string): FieldError[] {
  if (p == null) return [];
  const errors: FieldError[] = [];
  const at = `${path}.localhostProfile`;
  if (!p.type) errors.push(required(`${path}.type`, "type is required when seccompProfile is set"));
  else if (!profiles.includes(p.type)) errors.push(notSupported(`${path}.type`, p.type, profiles));
  if (p.type === "Localhost") {
    if (p.localhostProfile == null) errors.push(required(at, "must be set when seccomp type is Localhost"));
    else errors.push(...localPath(at, p.localhostProfile));
  } else if (p.localhostProfile != null)
    errors.push(invalid(at, p, "can only be set when seccomp type is Localhost"));
  return errors;
}

function validateAppArmor(p: PodContext["appArmorProfile"], path: string): FieldError[] {
  if (p == null) return [];
  const at = `${path}.localhostProfile`;
  const local = p.localhostProfile;
  if (!p.type) return [required(`${path}.type`, "type is required when appArmorProfile is set")];
  if (!profiles.includes(p.type)) return [notSupported(`${path}.type`, p.type, profiles)];
  if (p.type !== "Localhost")
    return local != null ? [invalid(at, local, "can only be set when AppArmor type is Localhost")] : [];
  if (local == null || local === "") return [required(at, "must be set when AppArmor type is Localhost")];
  const errors = local.trim() === local ? [] : [invalid(at, local, "must not be padded with whitespace")];
  if (Buffer.byteLength(local) > 4095) errors.push(tooLong(at, 4095));
  return errors;
}

/** Kubernetes prints a container's context with Go's names of the fields. */
const goFields = [
  "capabilities",
  "privileged",
  "seLinuxOptions",
  "windowsOptions",
  "runAsUser",
  "runAsGroup",
  "runAsNonRoot",
  "readOnlyRootFilesystem",
  "allowPrivilegeEscalation",
  "procMount",
  "seccompProfile",
  "appArmorProfile",
] as const;

function goContext(sc: ContainerContext): unknown {
  const name = (key: string) =>
    key === "seLinuxOptions" ? "SELinuxOptions" : key.charAt(0).toUpperCase() + key.slice(1);
  const capabilities = sc.capabilities
    ? { Add: sc.capabilities.add ?? null, Drop: sc.capabilities.drop ?? null }
    : null;
  return Object.fromEntries(
    goFields.map((key) => [name(key), key === "capabilities" ? capabilities : (sc[key] ?? null)]),
  );
}

export function validateContainerSecurity(
  sc: ContainerContext | null | undefined,
  path: string,
  hostUsers: boolean,
): FieldError[] {
  if (sc == null) return [];
  const errors: FieldError[] = [];
  if (sc.runAsUser != null)
    errors.push(...invalidEach(`${path}.runAsUser`, sc.runAsUser, userID(sc.runAsUser)));
  if (sc.runAsGroup != null)
    errors.push(...invalidEach(`${path}.runAsGroup`, sc.runAsGroup, groupID(sc.runAsGroup)));
  if (sc.procMount != null) {
    const types = ["Default", "Unmasked"];
    if (!types.includes(sc.procMount)) errors.push(notSupported(`${path}.procMount`, sc.procMount, types));
    if (hostUsers && sc.procMount === "Unmasked")
      errors.push(invalid(`${path}.procMount`, sc.procMount, "`hostUsers` must be false to use `Unmasked`"));
  }
  errors.push(...validateSeccomp(sc.seccompProfile, `${path}.seccompProfile`));
  if (sc.allowPrivilegeEscalation === false) {
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    if (sc.privileged) errors.push(invalid(path, goContext(sc), `${cannot} \`privileged\` to true`));
    if (sc.capabilities?.add?.includes("CAP_SYS_ADMIN"))
      errors.push(invalid(path, goContext(sc), `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  return [...errors, ...validateAppArmor(sc.appArmorProfile, `${path}.appArmorProfile`)];
}

const sysctlFormat = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const sysctlRe = new RegExp(`^${sysctlFormat}$`);
const isNet = (name: string): boolean => name.startsWith("net.");
const isIpc = (name: string): boolean => /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name);

function validateSysctls(spec: PodSpec, path: string): FieldError[] {
  const seen = new Set<string>();
  return (spec.securityContext?.sysctls ?? []).flatMap((s, i) => {
    const at = `${path}[${i}].name`;
    const name = s.name ?? "";
    const dotted = name.replace(/\//g, ".");
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(at));
    else if (name.length > 253 || !sysctlRe.test(name))
      errors.push(invalid(at, name, `must have at most 253 characters and match regex ^${sysctlFormat}$`));
    else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (spec.hostNetwork && isNet(dotted))
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && isIpc(dotted))
      errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

const policies: [
  key: "fsGroupChangePolicy" | "supplementalGroupsPolicy" | "seLinuxChangePolicy",
  values: string[],
][] = [
  ["fsGroupChangePolicy", ["Always", "OnRootMismatch"]],
  ["supplementalGroupsPolicy", ["Merge", "Strict"]],
  ["seLinuxChangePolicy", ["MountOption", "Recursive"]],
];

export function validatePodSecurity(spec: PodSpec, specPath: string): FieldError[] {
  const sc = spec.securityContext;
  if (sc == null) return [];
  const path = `${specPath}.securityContext`;
  const errors: FieldError[] = [];
  const id = (key: "fsGroup" | "runAsUser" | "runAsGroup") => {
    const value = sc[key];
    if (value != null) errors.push(...invalidEach(`${path}.${key}`, value, userID(value)));
  };
  id("fsGroup");
  id("runAsUser");
  id("runAsGroup");
  for (const [i, g] of (sc.supplementalGroups ?? []).entries())
    errors.push(...invalidEach(`${path}.supplementalGroups[${i}]`, g, groupID(g)));
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      invalid(
        `${path}.shareProcessNamespace`,
        true,
        "ShareProcessNamespace and HostPID cannot both be enabled",
      ),
    );
  errors.push(...validateSysctls(spec, `${path}.sysctls`));
  const policy = ([key, values]: (typeof policies)[number]) => {
    const value = sc[key];
    if (value != null && !values.includes(value)) errors.push(notSupported(`${path}.${key}`, value, values));
  };
  policy(policies[0]!);
  errors.push(
    ...validateSeccomp(sc.seccompProfile, `${path}.seccompProfile`),
    ...validateAppArmor(sc.appArmorProfile, `${path}.appArmorProfile`),
  );
  policy(policies[1]!);
  policy(policies[2]!);
  return errors;
}

/** A user namespace of its own goes with no other namespace of the host. */
export function validateHostUsers(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const when = "when `pod.Spec.HostUsers` is false";
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(forbidden(`${path}.hostNetwork`, when));
  if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, when));
  if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, when));
  return errors;
}
