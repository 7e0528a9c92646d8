// The files of configMap, secret, downwardAPI and projected volumes, as data (core/v1 volume sources).
import type { ConfigMap, Pod, Secret, Volume } from "../../../core/api/types.ts";
import type { PodObjects } from "./environment.ts";
import { fieldValue, type PodAddresses } from "./field-path.ts";
import type { VolumeFile } from "./pod-files.ts";
import { type Allocatable, resourceFieldValue } from "./resource-field.ts";

/** A volume that cannot be set up (yet); the message goes into a FailedMount event. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

export interface ContentInput {
  pod: Pod;
  objects: PodObjects;
  addresses: PodAddresses;
  allocatable: Allocatable;
  /** Service account tokens, by `tokenKey`. */
  tokens: ReadonlyMap<string, string>;
}

export interface TokenWish {
  audience: string;
  expirationSeconds: number;
}

export const tokenKey = (wish: TokenWish): string => `${wish.expirationSeconds}/${wish.audience}`;

type Items = { key: string; path: string; mode?: number }[] | undefined;

const defaultFileMode = 0o644;

/** The tokens that a pod's projected volumes need. */
export function wantedTokens(pod: Pod): TokenWish[] {
  return (pod.spec?.volumes ?? []).flatMap((v) =>
    (v.projected?.sources ?? []).flatMap((s) =>
      s.serviceAccountToken
        ? [
            {
              audience: s.serviceAccountToken.audience ?? "",
              expirationSeconds: s.serviceAccountToken.expirationSeconds ?? 3600,
            },
          ]
        : [],
    ),
  );
}

/** True for the kinds whose files come from API objects. */
export const hasContent = (v: Volume): boolean =>
  Boolean(v.configMap ?? v.secret ?? v.downwardAPI ?? v.projected);

function place(
  out: Map<string, VolumeFile>,
  entries: ReadonlyMap<string, Buffer>,
  items: Items,
  options: { mode: number; optional: boolean | undefined; missing(key: string): string },
): void {
  if (!items || items.length === 0) {
    for (const [key, content] of entries) out.set(key, { content, mode: options.mode });
    return;
  }
  for (const item of items) {
    const content = entries.get(item.key);
    if (content) out.set(item.path, { content, mode: item.mode ?? options.mode });
    else if (!options.optional) throw new VolumeError(options.missing(item.key));
  }
}

function configMapEntries(map: ConfigMap): Map<string, Buffer> {
  const out = new Map<string, Buffer>();
  for (const [k, v] of Object.entries(map.data ?? {})) out.set(k, Buffer.from(v, "utf8"));
  for (const [k, v] of Object.entries(map.binaryData ?? {})) out.set(k, Buffer.from(v, "base64"));
  return out;
}

function secretEntries(secret: Secret): Map<string, Buffer> {
  return new Map(Object.entries(secret.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")]));
}

interface KeyedSource {
  name?: string;
  items?: Items;
  optional?: boolean;
}

/** Places a ConfigMap's or Secret's entries; the refusals differ in their words only. */
function placeKeyed<T>(
  out: Map<string, VolumeFile>,
  source: KeyedSource,
  from: {
    objects: { get(name: string): T | undefined };
    kind: "configmap" | "secret";
    entries(object: T): Map<string, Buffer>;
    missing(key: string): string;
  },
  mode: number,
): void {
  const name = source.name ?? "";
  const object = from.objects.get(name);
  if (!object && !source.optional) throw new VolumeError(`${from.kind} "${name}" not found`);
  if (!object) return;
  place(out, from.entries(object), source.items, { mode, optional: source.optional, missing: from.missing });
}

function placeConfigMap(
  out: Map<string, VolumeFile>,
  source: KeyedSource,
  input: ContentInput,
  mode: number,
): void {
  const missing = (key: string): string => `configmap references non-existent config key: ${key}`;
  const objects = input.objects.configMaps;
  placeKeyed(out, source, { objects, kind: "configmap", entries: configMapEntries, missing }, mode);
}

function placeSecret(
  out: Map<string, VolumeFile>,
  source: KeyedSource,
  input: ContentInput,
  mode: number,
): void {
  const missing = (key: string): string => `references non-existent secret key: ${key}`;
  const objects = input.objects.secrets;
  placeKeyed(out, source, { objects, kind: "secret", entries: secretEntries, missing }, mode);
}

type DownwardItems = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>;

function placeDownward(
  out: Map<string, VolumeFile>,
  items: DownwardItems | undefined,
  input: ContentInput,
  mode: number,
): void {
  for (const item of items ?? []) {
    let text: string | undefined;
    if (item.fieldRef) text = fieldValue(input.pod, item.fieldRef.fieldPath, input.addresses);
    else if (item.resourceFieldRef) {
      const { containerName, resource, divisor } = item.resourceFieldRef;
      const container = [
        ...(input.pod.spec?.initContainers ?? []),
        ...(input.pod.spec?.containers ?? []),
      ].find((c) => c.name === containerName);
      if (!container) throw new VolumeError(`container ${containerName} not found`);
      text = resourceFieldValue(container, resource, divisor, input.allocatable);
    }
    if (text === undefined) throw new VolumeError(`unsupported field for downward API file ${item.path}`);
    out.set(item.path, { content: Buffer.from(text, "utf8"), mode: item.mode ?? mode });
  }
}

/** The one user that every container of the pod runs as; undefined where they differ or none is said. */
function soleUser(pod: Pod): number | undefined {
  const of = pod.spec?.securityContext?.runAsUser;
  const users = new Set(
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
      (c) => c.securityContext?.runAsUser ?? of,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

/** Files by path relative to the volume. Throws VolumeError. */
export function volumeContent(volume: Volume, input: ContentInput): Map<string, VolumeFile> {
  const out = new Map<string, VolumeFile>();
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) placeConfigMap(out, configMap, input, configMap.defaultMode ?? defaultFileMode);
  else if (secret) {
    const source = {
      ...(secret.secretName ? { name: secret.secretName } : {}),
      items: secret.items,
      ...(secret.optional ? { optional: true } : {}),
    } as KeyedSource;
    placeSecret(out, source, input, secret.defaultMode ?? defaultFileMode);
  } else if (downwardAPI)
    placeDownward(out, downwardAPI.items, input, downwardAPI.defaultMode ?? defaultFileMode);
  else if (projected) {
    const mode = projected.defaultMode ?? defaultFileMode;
    for (const source of projected.sources ?? []) {
      if (source.configMap) placeConfigMap(out, source.configMap as KeyedSource, input, mode);
      else if (source.secret) placeSecret(out, source.secret as KeyedSource, input, mode);
      else if (source.downwardAPI) placeDownward(out, source.downwardAPI.items, input, mode);
      else if (source.serviceAccountToken) {
        const { audience = "", expirationSeconds = 3600, path } = source.serviceAccountToken;
        const token = input.tokens.get(tokenKey({ audience, expirationSeconds }));
        if (token === undefined) throw new VolumeError("failed to fetch token");
        const uid = soleUser(input.pod);
        const tight = uid !== undefined || input.pod.spec?.securityContext?.fsGroup !== undefined;
        out.set(path, {
          content: Buffer.from(token, "utf8"),
          mode: tight ? 0o600 : mode,
          ...(uid !== undefined ? { uid } : {}),
        });
      } else throw new VolumeError(`unsupported projected volume source: ${Object.keys(source).join(", ")}`);
    }
  }
  return out;
}

/** Names of ConfigMaps and Secrets that the pod's volumes and environments refer to. */
export function referredObjects(pod: Pod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (set: Set<string>, name: string | undefined): void => void (name && set.add(name));
  for (const v of pod.spec?.volumes ?? []) {
    add(configMaps, v.configMap?.name);
    add(secrets, v.secret?.secretName);
    for (const s of v.projected?.sources ?? []) {
      add(configMaps, s.configMap?.name);
      add(secrets, s.secret?.name);
    }
  }
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec!;
  for (const c of [...containers, ...initContainers, ...ephemeralContainers]) {
    for (const e of c.env ?? []) {
      add(configMaps, e.valueFrom?.configMapKeyRef?.name);
      add(secrets, e.valueFrom?.secretKeyRef?.name);
    }
    for (const e of c.envFrom ?? []) {
      add(configMaps, e.configMapRef?.name);
      add(secrets, e.secretRef?.name);
    }
  }
  return { configMaps, secrets };
}
