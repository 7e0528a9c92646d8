// A claim by itself: to be bound, bound, lost, or on its way out.
import { persistentVolumeClaims as claimsRef } from "../../../core/api/refs.ts";
import { isReservedFor } from "../../../core/scheduling/mod.ts";
import { type VolumeParts, without } from "./parts.ts";

const claimProtection = "kubernetes.io/pvc-protection";

/** `toBind` takes the key of a claim that wants a volume. */
export function createClaimSync(
  { client, claims, volumes, pods, say, claimStatus }: VolumeParts,
  toBind: (key: string) => void,
): (key: string) => Promise<void> {
  return async function syncClaim(key: string): Promise<void> {
    const claim = claims.get(key);
    if (!claim) return;
    if (claim.metadata.deletionTimestamp) {
      if (!claim.metadata.finalizers?.includes(claimProtection)) return;
      const used = pods.byIndex("claim", key).some((p) => p.spec?.nodeName);
      if (!used) await client.update(claimsRef, { ...claim, metadata: without(claim, claimProtection) });
      return;
    }
    const name = claim.spec?.volumeName;
    if (!name || claim.status?.phase === "Pending") {
      toBind(key);
      return;
    }
    const volume = volumes.get(name);
    if (claim.status?.phase !== "Bound" || (volume && isReservedFor(volume, claim))) return;
    await claimStatus(claim, { ...claim.status, phase: "Lost" });
    const [reason, message] = volume
      ? ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"]
      : ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"];
    say(claim, "Warning", reason, message);
  };
}
