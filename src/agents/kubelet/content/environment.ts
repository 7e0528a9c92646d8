// A container's environment: service variables, envFrom, then env in order with $(VAR) expansion (core/v1 EnvVar,
// EnvFromSource). Objects referred to were fetched before; what is missing is a refusal with the kubelet's words.
import type { ConfigMap, Container, Pod, Secret } from "../../../core/api/types.ts";
import { expandReferences } from "./expand.ts";
import { fieldValue, type PodAddresses } from "./field-path.ts";
import { type Allocatable, resourceFieldValue } from "./resource-field.ts";

/** ConfigMaps and Secrets of the pod's namespace by name; null: asked for and not found. */
export interface PodObjects {
  configMaps: ReadonlyMap<string, ConfigMap | null>;
  secrets: ReadonlyMap<string, Secret | null>;
}

export interface EnvironmentInput {
  pod: Pod;
  container: Container;
  objects: PodObjects;
  serviceVariables: readonly (readonly [string, string])[];
  addresses: PodAddresses;
  allocatable: Allocatable;
}

export interface Environment {
  variables: Map<string, Buffer>;
  /** envFrom keys that are no variable names; the kubelet tells them in an event. */
  skipped: { source: string; keys: string[] }[];
}

/** The pod cannot start this container as configured; the message goes into its status. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** Any printable ASCII but `=` (RelaxedEnvironmentVariableValidation, on since 1.32). */
const validName = /^[\x20-\x3c\x3e-\x7e]+$/;

const notFound = (kind: string, name: string): ContainerConfigError =>
  new ContainerConfigError(`${kind} "${name}" not found`);

function bytesOf(data: Record<string, string> | undefined, key: string): Buffer | undefined {
  return data && Object.hasOwn(data, key) ? Buffer.from(data[key]!, "base64") : undefined;
}

function configMapEntries(map: ConfigMap): [string, Buffer][] {
  return Object.entries(map.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "utf8")]);
}

function secretEntries(secret: Secret): [string, Buffer][] {
  return Object.entries(secret.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")]);
}

/** Throws ContainerConfigError. */
export function containerEnvironment(input: EnvironmentInput): Environment {
  const { pod, container, objects } = input;
  const variables = new Map<string, Buffer>();
  const skipped: Environment["skipped"] = [];

  for (const from of container.envFrom ?? []) {
    const entries: [string, Buffer][] = [];
    let source = "";
    if (from.configMapRef) {
      const name = from.configMapRef.name ?? "";
      const map = objects.configMaps.get(name);
      if (!map && !from.configMapRef.optional) throw notFound("configmap", name);
      if (map) entries.push(...configMapEntries(map));
      source = `configMap ${pod.metadata.namespace}/${name}`;
    } else if (from.secretRef) {
      const name = from.secretRef.name ?? "";
      const secret = objects.secrets.get(name);
      if (!secret && !from.secretRef.optional) throw notFound("secret", name);
      if (secret) entries.push(...secretEntries(secret));
      source = `secret ${pod.metadata.namespace}/${name}`;
    }
    const bad: string[] = [];
    for (const [key, value] of entries) {
      const name = `${from.prefix ?? ""}${key}`;
      if (validName.test(name)) variables.set(name, value);
      else bad.push(name);
    }
    if (bad.length > 0) skipped.push({ source, keys: bad.sort() });
  }

  const services = new Map(input.serviceVariables);
  const lookup = (name: string): string | undefined =>
    variables.get(name)?.toString("utf8") ?? services.get(name);
  for (const env of container.env ?? []) {
    const value = variableValue(env, input, lookup);
    if (value !== undefined) variables.set(env.name, value);
  }
  for (const [name, value] of input.serviceVariables)
    if (!variables.has(name)) variables.set(name, Buffer.from(value, "utf8"));
  return { variables, skipped };
}

type Env = NonNullable<Container["env"]>[number];

/** Undefined: an optional key that is not there; the variable is then not set. */
function variableValue(
  env: Env,
  input: EnvironmentInput,
  lookup: (name: string) => string | undefined,
): Buffer | undefined {
  const { pod, container, objects } = input;
  const from = env.valueFrom;
  if (!from) return Buffer.from(expandReferences(env.value ?? "", lookup), "utf8");
  if (from.fieldRef) {
    const value = fieldValue(pod, from.fieldRef.fieldPath, input.addresses);
    if (value === undefined)
      throw new ContainerConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return Buffer.from(value, "utf8");
  }
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const target = containerName ? all.find((c) => c.name === containerName) : container;
    if (!target) throw new ContainerConfigError(`container ${containerName} not found`);
    const value = resourceFieldValue(target, resource, divisor, input.allocatable);
    if (value === undefined) throw new ContainerConfigError(`unsupported container resource : ${resource}`);
    return Buffer.from(value, "utf8");
  }
  if (from.configMapKeyRef) {
    const { name = "", key, optional } = from.configMapKeyRef;
    const map = objects.configMaps.get(name);
    if (!map) {
      if (optional) return undefined;
      throw notFound("configmap", name);
    }
    if (map.data && Object.hasOwn(map.data, key)) return Buffer.from(map.data[key]!, "utf8");
    const binary = bytesOf(map.binaryData, key);
    if (binary || optional) return binary;
    throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${pod.metadata.namespace}/${name}`);
  }
  if (from.secretKeyRef) {
    const { name = "", key, optional } = from.secretKeyRef;
    const secret = objects.secrets.get(name);
    if (!secret) {
      if (optional) return undefined;
      throw notFound("secret", name);
    }
    const value = bytesOf(secret.data, key);
    if (value || optional) return value;
    throw new ContainerConfigError(`couldn't find key ${key} in Secret ${pod.metadata.namespace}/${name}`);
  }
  return Buffer.alloc(0);
}
