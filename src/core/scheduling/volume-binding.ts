// Which volume a claim can have, and which nodes can reach a volume (kubernetes component-helpers/storage/volume).
import { compareQuantities, parseQuantity } from "../api/quantity/mod.ts";
import { labelSelectorMatches } from "../api/selector/mod.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../api/types.ts";
import { nodeTermMatches } from "./node-selection.ts";

/** The node that the scheduler chose for the first pod of a claim whose class waits for one. */
export const selectedNodeAnnotation = "volume.kubernetes.io/selected-node";
/** Who is to make a claim's volume. */
export const provisionerAnnotation = "volume.kubernetes.io/storage-provisioner";
/** Who made a volume. */
export const provisionedByAnnotation = "pv.kubernetes.io/provisioned-by";

/** The provisioner of the class that every cluster has: directories of the nodes. */
export const localProvisioner = "portolan/local-volumes";

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** "" is a claim for volumes without a class. */
export const classOf = (o: PersistentVolume | PersistentVolumeClaim): string =>
  o.metadata.annotations?.[classAnnotation] ?? o.spec?.storageClassName ?? "";

const sizeOf = (list: Record<string, string> | undefined): string => list?.storage ?? "0";

/** Whether a volume's node affinity lets the node mount it. */
export function volumeReaches(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || required.nodeSelectorTerms.some((term) => nodeTermMatches(term, node));
}

/** Whether the volume says that it is this claim's, by a reference made by hand (no uid) or by a binder. */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef;
  return (
    ref !== undefined &&
    ref.namespace === claim.metadata.namespace &&
    ref.name === claim.metadata.name &&
    (!ref.uid || ref.uid === claim.metadata.uid)
  );
}

function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec } = volume;
  if (!spec || spec.claimRef || volume.metadata.deletionTimestamp) return false;
  if (volume.status?.phase !== "Available") return false;
  if (classOf(volume) !== classOf(claim)) return false;
  if ((spec.volumeMode ?? "Filesystem") !== (claim.spec?.volumeMode ?? "Filesystem")) return false;
  if (!(claim.spec?.accessModes ?? []).every((m) => spec.accessModes?.includes(m))) return false;
  if (claim.spec?.selector && !labelSelectorMatches(claim.spec.selector, volume.metadata.labels))
    return false;
  return (
    compareQuantities(
      parseQuantity(sizeOf(spec.capacity)),
      parseQuantity(sizeOf(claim.spec?.resources?.requests)),
    ) >= 0
  );
}

/** The volume reserved for the claim, or else the smallest free one that is enough; `node`: only what it can reach. */
export function chooseVolume(
  volumes: readonly PersistentVolume[],
  claim: PersistentVolumeClaim,
  node?: Node,
): PersistentVolume | undefined {
  const reserved = volumes.find((v) => isReservedFor(v, claim));
  if (reserved) return !node || volumeReaches(reserved, node) ? reserved : undefined;
  const size = (v: PersistentVolume) => parseQuantity(sizeOf(v.spec?.capacity));
  return volumes
    .filter((v) => suits(v, claim) && (!node || volumeReaches(v, node)))
    .sort(
      (a, b) =>
        compareQuantities(size(a), size(b)) || ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1),
    )[0];
}
