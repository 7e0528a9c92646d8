// Volumes of a pod (kubernetes pkg/apis/core/validation ValidateVolumes). Sources of the clouds and of external storage are
// checked for what they must name; the node refuses to mount those it has no driver for.

import { compareQuantities, parseQuantity } from "../../../quantity/mod.ts";
import type { FieldError } from "../../../status.ts";
import type { Volume } from "../../../types.ts";
import {
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
} from "../../meta/mod.ts";
import { readQuantity } from "../resource-list.ts";
import { fileMode, noBacksteps } from "./paths.ts";
import { validateDownwardItems, validateKeyToPath, validateProjected } from "./projected-volumes.ts";

type Source = Exclude<keyof Volume, "name">;
type Check<K extends Source> = (
  source: NonNullable<Volume[K]>,
  path: string,
  options: { isPod: boolean },
) => FieldError[];

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];
const pullPolicies = ["Always", "IfNotPresent", "Never"];

/** Requires that fields are there. */
const needs =
  (...fields: string[]) =>
  (source: object, path: string): FieldError[] =>
    fields.filter((f) => !(source as Record<string, unknown>)[f]).map((f) => required(`${path}.${f}`));

/** In Kubernetes' order; the first that is set is the volume's source. */
const checks: { [K in Source]?: Check<K> } = {
  emptyDir(s, path) {
    const limit = s.sizeLimit == null ? undefined : readQuantity(s.sizeLimit);
    return limit && compareQuantities(limit, parseQuantity("0")) < 0
      ? [forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : [];
  },
  hostPath(s, path) {
    if (!s.path) return [required(`${path}.path`)];
    const type = s.type ?? "";
    const unknown = hostPathTypes.includes(type) ? [] : [notSupported(`${path}.type`, type, hostPathTypes)];
    return [...noBacksteps(`${path}.path`, s.path), ...unknown];
  },
  gitRepo: needs("repository"),
  gcePersistentDisk: needs("pdName"),
  awsElasticBlockStore: needs("volumeID"),
  secret: (s, path) => [
    ...needs("secretName")(s, path),
    ...fileMode(`${path}.defaultMode`, s.defaultMode),
    ...(s.items ?? []).flatMap((item, i) => validateKeyToPath(item, `${path}.items[${i}]`)),
  ],
  nfs: (s, path) => [
    ...needs("server", "path")(s, path),
    ...(s.path?.startsWith("/") ? [] : [invalid(`${path}.path`, s.path ?? "", "must be an absolute path")]),
  ],
  iscsi: needs("targetPortal", "iqn"),
  glusterfs: needs("endpoints", "path"),
  persistentVolumeClaim: needs("claimName"),
  rbd: needs("monitors", "image"),
  cinder: needs("volumeID"),
  cephfs: needs("monitors"),
  downwardAPI: (s, path) => [
    ...fileMode(`${path}.defaultMode`, s.defaultMode),
    ...validateDownwardItems(s.items ?? [], path),
  ],
  flexVolume: needs("driver"),
  configMap: (s, path) => [
    ...needs("name")(s, path),
    ...fileMode(`${path}.defaultMode`, s.defaultMode),
    ...(s.items ?? []).flatMap((item, i) => validateKeyToPath(item, `${path}.items[${i}]`)),
  ],
  azureFile: needs("secretName", "shareName"),
  vsphereVolume: needs("volumePath"),
  photonPersistentDisk: needs("pdID"),
  portworxVolume: needs("volumeID"),
  azureDisk: needs("diskName", "diskURI"),
  projected: (s, path) => [...fileMode(`${path}.defaultMode`, s.defaultMode), ...validateProjected(s, path)],
  csi: needs("driver"),
  ephemeral: needs("volumeClaimTemplate"),
  image(s, path, { isPod }) {
    const errors = isPod && !s.reference ? [required(`${path}.reference`)] : [];
    const policy = s.pullPolicy ?? "";
    if (policy === "") return [...errors, required(`${path}.pullPolicy`)];
    return pullPolicies.includes(policy)
      ? errors
      : [...errors, notSupported(`${path}.pullPolicy`, policy, pullPolicies)];
  },
};

function validateSource(v: Volume, path: string, options: { isPod: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  const known = Object.keys(checks) as Source[];
  const others = (Object.keys(v) as (keyof Volume)[]).filter(
    (k) => k !== "name" && !known.includes(k as Source),
  );
  const set = [...known, ...(others as Source[])].filter((k) => v[k] != null);
  for (const [i, k] of set.entries()) {
    if (i > 0) errors.push(forbidden(`${path}.${k}`, "may not specify more than 1 volume type"));
    else errors.push(...((checks[k] as Check<Source> | undefined)?.(v[k]!, `${path}.${k}`, options) ?? []));
  }
  return set.length === 0 ? [required(path, "must specify a volume type")] : errors;
}

/** The valid volumes by name, for mounts to be looked up in, and what is wrong with the others. */
export function validateVolumes(
  volumes: readonly Volume[],
  path: string,
  options: { isPod: boolean },
): { valid: ReadonlyMap<string, Volume>; errors: FieldError[] } {
  const valid = new Map<string, Volume>();
  const errors: FieldError[] = [];
  for (const [i, v] of volumes.entries()) {
    const here = `${path}[${i}]`;
    const own = validateSource(v, here, options);
    if (!v.name) own.push(required(`${here}.name`));
    else own.push(...invalidEach(`${here}.name`, v.name, dns1123Label(v.name)));
    if (valid.has(v.name)) own.push(duplicate(`${here}.name`, v.name));
    if (own.length === 0) valid.set(v.name, v);
    errors.push(...own);
  }
  return { valid, errors };
}
