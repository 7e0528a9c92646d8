// The PersistentVolumes behind a pod's claims (kubelet volumemanager desired_state_of_world_populator).
import type { KubeClient } from "../../../control/client/mod.ts";
import { nodes, persistentVolumeClaims, persistentVolumes } from "../../../core/api/refs.ts";
import type { PersistentVolume, Pod } from "../../../core/api/types.ts";
import { isReservedFor, volumeReaches } from "../../../core/scheduling/mod.ts";
import { VolumeError } from "./volume-content.ts";

/** By the volume's name in the pod. Rejects when a claim is not bound or its volume cannot be reached from this node. */
export async function claimedVolumes(
  client: KubeClient,
  pod: Pod,
  nodeName: string,
): Promise<ReadonlyMap<string, PersistentVolume>> {
  const namespace = pod.metadata.namespace!;
  const wanted = (pod.spec?.volumes ?? []).filter((v) => v.persistentVolumeClaim);
  if (wanted.length === 0) return new Map();
  const node = await client.get(nodes, nodeName);
  const found = wanted.map(async ({ name, persistentVolumeClaim }): Promise<[string, PersistentVolume]> => {
    const { claimName } = persistentVolumeClaim!;
    const claim = await client.get(persistentVolumeClaims, claimName, { namespace }).catch((error) => {
      throw new VolumeError(`failed to fetch PVC from API server: ${(error as Error).message}`);
    });
    if (claim.metadata.deletionTimestamp) throw new VolumeError("PVC is being deleted");
    if (claim.status?.phase !== "Bound" || !claim.spec?.volumeName) throw new VolumeError("PVC is not bound");
    const volume = await client.get(persistentVolumes, claim.spec.volumeName);
    if (!isReservedFor(volume, claim))
      throw new VolumeError(`PV ${volume.metadata.name} is bound to another claim`);
    if (volume.spec?.volumeMode === "Block")
      throw new VolumeError("block volumes are not supported on this node");
    if (!volumeReaches(volume, node))
      throw new VolumeError(`no matching NodeSelectorTerms for volume ${volume.metadata.name}`);
    return [name, volume];
  });
  return new Map(await Promise.all(found));
}
