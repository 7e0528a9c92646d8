// Pods that use claims of devices (scheduler plugin DynamicResources). Devices are not allocated: such a pod waits, and is told why.
import type { Pod, ResourceClaim } from "../../core/api/types.ts";

/** By `namespace/name`. */
export type DeviceClaimOf = (key: string) => ResourceClaim | undefined;

export const claimsDevices = (pod: Pod): boolean => (pod.spec?.resourceClaims ?? []).length > 0;

/** The first of the pod's claims that is not there, in words. */
export function missingDeviceClaim(pod: Pod, claimOf: DeviceClaimOf): string | undefined {
  const { name: podName, namespace } = pod.metadata;
  for (const { name, resourceClaimName } of pod.spec?.resourceClaims ?? []) {
    const made = pod.status?.resourceClaimStatuses?.find((s) => s.name === name)?.resourceClaimName;
    const claimName = resourceClaimName ?? made;
    if (claimName === undefined) return `pod "${namespace}/${podName}": ResourceClaim not created yet`;
    const claim = claimOf(`${namespace}/${claimName}`);
    if (!claim) return `could not find ResourceClaim "${namespace}/${claimName}"`;
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${claimName}" is being deleted`;
  }
  return undefined;
}
