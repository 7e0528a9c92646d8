// A volume by itself: available, bound, released, failed, or on its way out.
import {
  persistentVolumeClaims as claimsRef,
  persistentVolumes as volumesRef,
} from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../core/api/types.ts";
import { provisionedByAnnotation } from "../../../core/scheduling/mod.ts";
import { splitKey } from "../context.ts";
import { refersTo, type VolumeParts, without } from "./parts.ts";

const volumeProtection = "kubernetes.io/pv-protection";

export function createVolumeSync({
  client,
  claims,
  volumes,
  sayOfVolume,
  volumePhase,
}: VolumeParts): (key: string) => Promise<void> {
  /** The API's word: a cache may not have heard yet of a claim that a new volume names. */
  async function claimOf(volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const key = refersTo(volume)!;
    const { uid } = volume.spec!.claimRef!;
    const is = (c: PersistentVolumeClaim | undefined) =>
      c && (!uid || c.metadata.uid === uid) ? c : undefined;
    const cached = is(claims.get(key));
    if (cached) return cached;
    const { namespace, name } = splitKey(key);
    try {
      return is(await client.get(claimsRef, name, { namespace }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  return async function syncVolume(key: string): Promise<void> {
    const volume = volumes.get(key);
    if (!volume) return;
    const claim = volume.spec?.claimRef ? await claimOf(volume) : undefined;
    if (volume.metadata.deletionTimestamp) {
      if (claim?.spec?.volumeName === key || !volume.metadata.finalizers?.includes(volumeProtection)) return;
      await client.update(volumesRef, { ...volume, metadata: without(volume, volumeProtection) });
      return;
    }
    const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec ?? {};
    // One reserved by hand waits for its claim.
    if (!claimRef?.uid) return volumePhase(volume, "Available");
    if (claim && (!claim.spec?.volumeName || claim.spec.volumeName === key)) return;
    if (volume.status?.phase !== "Failed") await volumePhase(volume, "Released");
    if (policy === "Retain" || volume.metadata.annotations?.[provisionedByAnnotation]) return;
    const [what, how, reason] =
      policy === "Delete"
        ? ["deleter", "deletable", "VolumeFailedDelete"]
        : ["recycler", "recyclable", "VolumeFailedRecycle"];
    const message = `error getting ${what} volume plugin for volume "${key}": no ${how} volume plugin matched`;
    const latest = volumes.get(key);
    if (!latest || latest.status?.message === message) return;
    await volumePhase(latest, "Failed", message);
    sayOfVolume(latest, "Warning", reason!, message);
  };
}
