// What a pod's claims demand of the node it goes to, and what has to be written so that they are met there (scheduler plugin
// VolumeBinding).
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../core/api/types.ts";
import { chooseVolume, classOf, selectedNodeAnnotation, volumeReaches } from "../../core/scheduling/mod.ts";

/** Claims and volumes as far as they are known; keys are `namespace/name` or `name`. */
export interface StorageView {
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
}

export const noStorage: StorageView = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
};

export interface ClaimDemands {
  bound: PersistentVolume[];
  /** Claims that are bound when the node is known. */
  waiting: PersistentVolumeClaim[];
}

/** A string: no node will do, and why. */
export function claimDemands(pod: Pod, storage: StorageView): ClaimDemands | string {
  const demands: ClaimDemands = { bound: [], waiting: [] };
  let immediate = false;
  for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
    if (!persistentVolumeClaim) continue;
    const name = persistentVolumeClaim.claimName;
    const claim = storage.claim(`${pod.metadata.namespace}/${name}`);
    if (!claim) return `persistentvolumeclaim "${name}" not found`;
    const { volumeName } = claim.spec ?? {};
    if (claim.status?.phase === "Lost")
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`;
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
    if (volumeName && claim.status?.phase === "Bound") {
      const volume = storage.volume(volumeName);
      if (!volume)
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`;
      demands.bound.push(volume);
    } else if (
      !volumeName &&
      storage.storageClass(classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer"
    )
      demands.waiting.push(claim);
    else immediate = true;
  }
  return immediate ? "pod has unbound immediate PersistentVolumeClaims" : demands;
}

function topologyAllows(storageClass: StorageClass | undefined, node: Node): boolean {
  const terms = storageClass?.allowedTopologies ?? [];
  const labels = node.metadata.labels ?? {};
  return (
    terms.length === 0 ||
    terms.some((t) => (t.matchLabelExpressions ?? []).every((e) => e.values.includes(labels[e.key] ?? "")))
  );
}

/** Why a node cannot meet the demands. */
export function refusedByVolumes(
  { bound, waiting }: ClaimDemands,
  storage: StorageView,
  node: Node,
): string | undefined {
  if (bound.some((v) => !volumeReaches(v, node)))
    return "node(s) didn't match PersistentVolume's node affinity";
  for (const claim of waiting) {
    if (chooseVolume(storage.volumes(), claim, node)) continue;
    const storageClass = storage.storageClass(classOf(claim));
    const selected = claim.metadata.annotations?.[selectedNodeAnnotation];
    if (selected !== undefined && selected !== node.metadata.name)
      return "node(s) didn't find available persistent volumes to bind";
    if (storageClass?.provisioner === "kubernetes.io/no-provisioner" || !topologyAllows(storageClass, node))
      return "node(s) didn't find available persistent volumes to bind";
  }
  return undefined;
}

export type ClaimWrite =
  | { kind: "reserve"; volume: PersistentVolume; claim: PersistentVolumeClaim }
  | { kind: "provision"; claim: PersistentVolumeClaim };

/** What makes the waiting claims be bound on this node; no volume is given twice. */
export function claimWrites(demands: ClaimDemands, storage: StorageView, node: Node): ClaimWrite[] {
  const left = [...storage.volumes()];
  return demands.waiting.map((claim) => {
    const volume = chooseVolume(left, claim, node);
    if (!volume) return { kind: "provision", claim };
    left.splice(left.indexOf(volume), 1);
    return { kind: "reserve", volume, claim };
  });
}
