// Containers of every sort: what they share, and what each sort may not have (kubernetes pkg/apis/core/validation
// validateContainers, validateInitContainers, validateEphemeralContainers).
import type { FieldError } from "../../../status.ts";
import type { Container, PodSpec, Volume } from "../../../types.ts";
import {
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  portName,
  portNumber,
  required,
} from "../../meta/mod.ts";
import { isSidecar } from "../sidecar.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { forbidHandlers, validateHandlers } from "./handlers.ts";
import { validateDevices, validateMounts } from "./mounts.ts";
import { validateContainerResources, validateResizePolicy } from "./resources.ts";
import { validateRestartPolicy } from "./restart-policy.ts";
import { validateContainerSecurity } from "./security.ts";

/** What a container is checked against. */
export interface Surroundings {
  spec: PodSpec;
  volumes: ReadonlyMap<string, Volume>;
}

const protocols = ["SCTP", "TCP", "UDP"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["File", "FallbackToLogsOnError"];

function validatePorts(ports: Container["ports"], path: string): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((p, i) => {
    const here = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (p.name) {
      const bad = portName(p.name);
      if (bad.length > 0) errors.push(...invalidEach(`${here}.name`, p.name, bad));
      else if (names.has(p.name)) errors.push(duplicate(`${here}.name`, p.name));
      else names.add(p.name);
    }
    if (!p.containerPort) errors.push(required(`${here}.containerPort`));
    else errors.push(...invalidEach(`${here}.containerPort`, p.containerPort, portNumber(p.containerPort)));
    if (p.hostPort) errors.push(...invalidEach(`${here}.hostPort`, p.hostPort, portNumber(p.hostPort)));
    if (!p.protocol) errors.push(required(`${here}.protocol`));
    else if (!protocols.includes(p.protocol))
      errors.push(notSupported(`${here}.protocol`, p.protocol, protocols));
    return errors;
  });
}

function oneOf(path: string, value: string | undefined, values: readonly string[]): FieldError[] {
  if (!value) return [required(path)];
  return values.includes(value) ? [] : [notSupported(path, value, values)];
}

function validateCommon(c: Container, path: string, { spec, volumes }: Surroundings): FieldError[] {
  const claims = new Set((spec.resourceClaims ?? []).map((r) => r.name).filter((n) => n));
  const errors = c.name
    ? invalidEach(`${path}.name`, c.name, dns1123Label(c.name))
    : [required(`${path}.name`)];
  if (!c.image) errors.push(required(`${path}.image`));
  return [
    ...errors,
    ...oneOf(`${path}.terminationMessagePolicy`, c.terminationMessagePolicy, messagePolicies),
    ...validatePorts(c.ports, `${path}.ports`),
    ...validateEnv(c.env, `${path}.env`),
    ...validateEnvFrom(c.envFrom, `${path}.envFrom`),
    ...validateMounts(c, volumes, `${path}.volumeMounts`),
    ...validateDevices(c, volumes, `${path}.volumeDevices`),
    ...oneOf(`${path}.imagePullPolicy`, c.imagePullPolicy, pullPolicies),
    ...validateContainerResources(c.resources, `${path}.resources`, claims),
    ...validateResizePolicy(c.resizePolicy, `${path}.resizePolicy`, spec.restartPolicy),
    ...validateContainerSecurity(c.securityContext, `${path}.securityContext`, spec.hostUsers !== false),
  ];
}

function hostPortConflicts(containers: readonly Container[], path: string): FieldError[] {
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, c] of containers.entries())
    for (const [j, p] of (c.ports ?? []).entries()) {
      if (!p.hostPort) continue;
      const key = `${p.protocol}/${p.hostIP ?? ""}/${p.hostPort}`;
      if (taken.has(key)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, key));
      taken.add(key);
    }
  return errors;
}

export function validateContainers(path: string, around: Surroundings): FieldError[] {
  const { spec } = around;
  const containers = spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((c, i) => {
    const here = `${path}[${i}]`;
    const own = validateCommon(c, here, around);
    if (names.has(c.name)) own.push(duplicate(`${here}.name`, c.name));
    names.add(c.name);
    own.push(
      ...validateHandlers(c, here, spec.terminationGracePeriodSeconds),
      ...validateRestartPolicy(c, here),
    );
    return own;
  });
  return [...errors, ...hostPortConflicts(containers, path)];
}

export function validateInitContainers(path: string, around: Surroundings): FieldError[] {
  const { spec } = around;
  const names = new Set((spec.containers ?? []).map((c) => c.name));
  return (spec.initContainers ?? []).flatMap((c, i) => {
    const here = `${path}[${i}]`;
    const errors = validateCommon(c, here, around);
    errors.push(...validateRestartPolicy(c, here));
    if (names.has(c.name)) errors.push(duplicate(`${here}.name`, c.name));
    else if (c.name) names.add(c.name);
    errors.push(...hostPortConflicts([c], path));
    if (isSidecar(c)) errors.push(...validateHandlers(c, here, spec.terminationGracePeriodSeconds));
    else errors.push(...forbidHandlers(c, here));
    return errors;
  });
}

/** Go's order of the fields that an ephemeral container may not have. */
const notEphemeral = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

const isSet = (v: unknown): boolean =>
  v != null &&
  !(Array.isArray(v) && v.length === 0) &&
  !(typeof v === "object" && Object.keys(v).length === 0);

export function validateEphemeralContainers(path: string, around: Surroundings): FieldError[] {
  const { spec } = around;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.name));
  const names = new Set(others);
  const cannot = "cannot be set for an Ephemeral Container";
  return (spec.ephemeralContainers ?? []).flatMap((e, i) => {
    const here = `${path}[${i}]`;
    const c = e as Container;
    const errors = [...validateCommon(c, here, around), ...validateImageSpace(c, here)];
    if (names.has(e.name)) errors.push(duplicate(`${here}.name`, e.name));
    else names.add(e.name);
    if (e.targetContainerName && !others.has(e.targetContainerName))
      errors.push(notFound(`${here}.targetContainerName`, e.targetContainerName));
    for (const key of notEphemeral) if (isSet(c[key])) errors.push(forbidden(`${here}.${key}`, cannot));
    for (const [j, m] of (e.volumeMounts ?? []).entries())
      for (const key of ["subPath", "subPathExpr"] as const)
        if (m[key]) errors.push(forbidden(`${here}.volumeMounts[${j}].${key}`, cannot));
    return errors;
  });
}

/** Templates tolerate spaces around an image's name, pods do not. */
export function validateImageSpace(c: Container, path: string): FieldError[] {
  const image = c.image ?? "";
  return image.trim() === image
    ? []
    : [invalid(`${path}.image`, image, "must not have leading or trailing whitespace")];
}

/** On the host's network a port of the container is the port of the host. */
export function validateHostNetworkPorts(spec: PodSpec, path: string, isPod: boolean): FieldError[] {
  if (!spec.hostNetwork) return [];
  return (spec.containers ?? []).flatMap((c, i) =>
    (c.ports ?? []).flatMap((p, j) => {
      const host = p.hostPort ?? 0;
      return (isPod || host !== 0) && host !== p.containerPort
        ? [
            invalid(
              `${path}.containers[${i}].ports[${j}].hostPort`,
              host,
              "must match `containerPort` when `hostNetwork` is true",
            ),
          ]
        : [];
    }),
  );
}
