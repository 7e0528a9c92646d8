// Carries out what a pod's claims need on the chosen node and waits until they are bound (VolumeBinding's PreBind).
import { persistentVolumeClaims, persistentVolumes, storageClasses } from "../../core/api/refs.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../core/api/types.ts";
import { selectedNodeAnnotation } from "../../core/scheduling/mod.ts";
import { type Informers, type KubeClient, objectKey, pause } from "../client/mod.ts";
import type { ClaimWrite, StorageView } from "./claims.ts";

const pollMs = 20;
const longestMs = 600_000;

/** `watch` calls back whenever a pod that waited for storage may have it now. */
export function createStorageCache(informers: Informers): {
  storage: StorageView;
  watch(changed: () => void): void;
} {
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const classes = informers.of(storageClasses);
  const storage: StorageView = {
    claim: (key) => claims.get(key),
    volume: (name) => volumes.get(name),
    volumes: () => volumes.list(),
    storageClass: (name) => classes.get(name),
  };
  return {
    storage,
    watch(changed) {
      for (const informer of [claims, volumes, classes]) informer.on({ added: changed, updated: changed });
    },
  };
}

/** Rejects when the pod or a claim is gone, chosen for another node, or not bound within ten minutes. */
export async function bindClaims(
  client: KubeClient,
  writes: readonly ClaimWrite[],
  options: {
    node: string;
    claim: StorageView["claim"];
    /** Whether the pod still wants its claims. */
    wanted(): boolean;
    signal: AbortSignal;
  },
): Promise<void> {
  const { node, claim, wanted, signal } = options;
  for (const write of writes) {
    const { metadata } = write.claim;
    const { namespace, name, uid } = metadata;
    if (write.kind === "reserve") {
      if (write.volume.spec?.claimRef?.uid === uid) continue;
      const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
      const annotations = {
        ...write.volume.metadata.annotations,
        "pv.kubernetes.io/bound-by-controller": "yes",
      };
      await client.update(persistentVolumes, {
        ...write.volume,
        metadata: { ...write.volume.metadata, annotations },
        spec: { ...write.volume.spec, claimRef },
      } as PersistentVolume);
    } else if (metadata.annotations?.[selectedNodeAnnotation] !== node) {
      const annotations = { ...metadata.annotations, [selectedNodeAnnotation]: node };
      await client.update(persistentVolumeClaims, {
        ...write.claim,
        metadata: { ...metadata, annotations },
      } as PersistentVolumeClaim);
    }
  }
  const keys = writes.map((w) => objectKey(w.claim));
  for (let waited = 0; waited < longestMs; waited += pollMs) {
    const claims = keys.map((key) => claim(key));
    if (claims.every((c) => c?.status?.phase === "Bound")) return;
    for (const [i, c] of claims.entries()) {
      const { uid, name } = writes[i]!.claim.metadata;
      if (!c || c.metadata.uid !== uid || c.metadata.deletionTimestamp)
        throw new Error(`binding volumes: persistentvolumeclaim "${name}" is gone`);
    }
    if (!wanted()) throw new Error("binding volumes: the pod waits no more");
    await pause(pollMs, signal);
    if (signal.aborted) throw new Error("binding volumes: the scheduler stops");
  }
  throw new Error("binding volumes: context deadline exceeded");
}
