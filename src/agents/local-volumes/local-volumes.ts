// Makes and removes this node's volumes: a directory and a PersistentVolume for each claim that is to have one here.
import {
  createEventRecorder,
  createInformer,
  createWorkQueue,
  type EventText,
  eventSubject,
  type KubeClient,
  objectKey,
} from "../../control/client/mod.ts";
import {
  persistentVolumeClaims as claimsRef,
  storageClasses as classesRef,
  persistentVolumes as volumesRef,
} from "../../core/api/refs.ts";
import { isAlreadyExists, isNotFound } from "../../core/api/status.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../core/api/types.ts";
import {
  classOf,
  localProvisioner,
  provisionedByAnnotation,
  provisionerAnnotation,
  selectedNodeAnnotation,
} from "../../core/scheduling/mod.ts";

/** What is done to this machine's directories; both may be asked for again. */
export interface VolumeDirectories {
  /** Everybody may write there. */
  makeDirectory(path: string, mode: number): Promise<void>;
  removeTree(path: string): Promise<void>;
}

export interface LocalVolumesOptions {
  client: KubeClient;
  directories: VolumeDirectories;
  nodeName: string;
  /** Absolute; all volumes of this node are below. */
  directory: string;
  now?(): number;
  log(message: string, detail?: object): void;
}

const hostname = "kubernetes.io/hostname";

/** Whether this node is to make the claim's volume. */
export function isWanted(claim: PersistentVolumeClaim, nodeName: string): boolean {
  if (claim.spec?.volumeName || claim.metadata.deletionTimestamp) return false;
  const annotations = claim.metadata.annotations ?? {};
  if (annotations[provisionerAnnotation] !== localProvisioner) return false;
  return (annotations[selectedNodeAnnotation] ?? nodeName) === nodeName;
}

/** Why such a claim cannot have a volume here; undefined: it can. */
export function refusalOf(claim: PersistentVolumeClaim): string | undefined {
  if (claim.spec?.volumeMode === "Block") return "block volumes are not supported by this provisioner";
  if (claim.spec?.selector) return "claim.Spec.Selector is not supported";
  if (claim.spec?.dataSource) return "data sources are not supported by this provisioner";
  return undefined;
}

export function localVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  at: { nodeName: string; directory: string },
): PersistentVolume {
  const { namespace = "", name = "", uid = "", resourceVersion } = claim.metadata;
  const storage = claim.spec?.resources?.requests?.storage ?? "0";
  const ref = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
  const expression = { key: hostname, operator: "In", values: [at.nodeName] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pvc-${uid}`, annotations: { [provisionedByAnnotation]: localProvisioner } },
    spec: {
      accessModes: claim.spec?.accessModes ?? [],
      capacity: { storage },
      claimRef: { ...ref, ...(resourceVersion ? { resourceVersion } : {}) },
      hostPath: { path: `${at.directory}/pvc-${uid}_${namespace}_${name}`, type: "DirectoryOrCreate" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
      storageClassName: classOf(claim),
      volumeMode: "Filesystem",
    },
  };
}

/** The directory of a volume that this node made and may now remove. */
export function removablePath(
  volume: PersistentVolume,
  { nodeName, directory }: { nodeName: string; directory: string },
): string | undefined {
  const { spec, status, metadata } = volume;
  if (metadata.annotations?.[provisionedByAnnotation] !== localProvisioner) return undefined;
  if (status?.phase !== "Released" || spec?.persistentVolumeReclaimPolicy !== "Delete") return undefined;
  const nodes = spec.nodeAffinity?.required?.nodeSelectorTerms.flatMap((t) =>
    (t.matchExpressions ?? []).flatMap((e) => (e.key === hostname ? (e.values ?? []) : [])),
  );
  const path = spec.hostPath?.path ?? "";
  const inside = path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes("/");
  return nodes?.includes(nodeName) && inside ? path : undefined;
}

/** Runs until the signal aborts. */
export async function runLocalVolumes(options: LocalVolumesOptions, signal: AbortSignal): Promise<void> {
  const { client, directories, nodeName, directory, log } = options;
  const now = options.now ?? Date.now;
  const onError = (error: unknown): void => log("local volumes: watch", { error: String(error) });
  const claims = createInformer(client, claimsRef, { onError });
  const classes = createInformer(client, classesRef, { onError });
  const volumes = createInformer(client, volumesRef, { onError });
  const recorder = createEventRecorder(client, { component: localProvisioner, host: nodeName, now });
  const failed = (key: string, error: unknown): void =>
    log("local volumes: try again", { key, error: String(error) });
  const making = createWorkQueue({ workers: 4, work: make, onError: failed });
  const removing = createWorkQueue({ workers: 4, work: remove, onError: failed });

  const wanted = (claim: PersistentVolumeClaim): void => {
    if (isWanted(claim, nodeName)) making.add(objectKey(claim));
  };
  claims.on({ added: wanted, updated: wanted });
  const released = (volume: PersistentVolume): void => {
    if (removablePath(volume, options) !== undefined) removing.add(objectKey(volume));
  };
  volumes.on({ added: released, updated: released });

  const say = (claim: PersistentVolumeClaim, type: EventText["type"], reason: string, message: string) =>
    recorder.record(eventSubject(claimsRef, claim), { type, reason, message });

  async function make(key: string): Promise<void> {
    const claim = claims.get(key);
    const storageClass = claim && classes.get(classOf(claim));
    if (!claim || !storageClass || !isWanted(claim, nodeName)) return;
    const failure = "failed to provision volume with StorageClass";
    const refused = refusalOf(claim);
    if (refused !== undefined) {
      say(claim, "Warning", "ProvisioningFailed", `${failure} "${classOf(claim)}": ${refused}`);
      return;
    }
    const volume = localVolume(claim, storageClass, { nodeName, directory });
    const { name } = volume.metadata;
    if (volumes.get(name!)) return;
    const path = volume.spec!.hostPath!.path;
    say(claim, "Normal", "Provisioning", `External provisioner is provisioning volume for claim "${key}"`);
    try {
      await directories.makeDirectory(path, 0o777);
      await client.create(volumesRef, volume);
    } catch (error) {
      // Another node was first, or the answer to an earlier try was lost.
      if (isAlreadyExists(error)) {
        const made = await client.get(volumesRef, name!).catch(() => undefined);
        if (made && made.spec?.hostPath?.path !== path) await directories.removeTree(path);
        return;
      }
      say(
        claim,
        "Warning",
        "ProvisioningFailed",
        `${failure} "${classOf(claim)}": ${(error as Error).message}`,
      );
      throw error;
    }
    say(claim, "Normal", "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  }

  async function remove(name: string): Promise<void> {
    const volume = volumes.get(name);
    const path = volume && removablePath(volume, options);
    if (path === undefined) return;
    await directories.removeTree(path);
    await client
      .delete(volumesRef, name, { preconditions: { uid: volume!.metadata.uid! } })
      .catch((error) => {
        if (!isNotFound(error)) throw error;
      });
  }

  const caches = [claims, classes, volumes].map((i) => i.run(signal));
  await Promise.race([Promise.all([claims.synced, classes.synced, volumes.synced]), ...caches]);
  await Promise.all([making.run(signal), removing.run(signal), ...caches]);
}
