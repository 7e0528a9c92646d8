// Defaults of volumes (kubernetes pkg/apis/core/v1/defaults.go and the +default markers of core/v1).
import type { Volume } from "../../types.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";

const MODE = 0o644;

interface FieldRefs {
  fieldRef?: { apiVersion?: string };
  resourceFieldRef?: { divisor?: string };
}

/** A reference to a field is to its v1 form; a divisor is written even when there is none. */
export function setFieldRefDefaults(from: FieldRefs): void {
  if (from.fieldRef) from.fieldRef.apiVersion ||= "v1";
  if (from.resourceFieldRef) from.resourceFieldRef.divisor ||= "0";
}

export function setVolumeDefaults(v: Volume): void {
  if (Object.entries(v).every(([key, value]) => key === "name" || value == null)) v.emptyDir = {};
  if (v.hostPath) v.hostPath.type ??= "";
  if (v.secret) v.secret.defaultMode ??= MODE;
  if (v.configMap) v.configMap.defaultMode ??= MODE;
  if (v.downwardAPI) {
    v.downwardAPI.defaultMode ??= MODE;
    for (const item of v.downwardAPI.items ?? []) setFieldRefDefaults(item);
  }
  if (v.projected) {
    v.projected.defaultMode ??= MODE;
    for (const source of v.projected.sources ?? []) {
      for (const item of source.downwardAPI?.items ?? []) setFieldRefDefaults(item);
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
    }
  }
  if (v.image) v.image.pullPolicy ||= defaultPullPolicy(v.image.reference);
  if (v.ephemeral?.volumeClaimTemplate?.spec)
    v.ephemeral.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
  setLegacyDefaults(v);
}

function setLegacyDefaults(v: Volume): void {
  if (v.iscsi) v.iscsi.iscsiInterface ||= "default";
  if (v.rbd) {
    v.rbd.pool ||= "rbd";
    v.rbd.user ||= "admin";
    v.rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (v.azureDisk) {
    v.azureDisk.cachingMode ??= "ReadWrite";
    v.azureDisk.kind ??= "Shared";
    v.azureDisk.fsType ??= "ext4";
    v.azureDisk.readOnly ??= false;
  }
  if (v.scaleIO) {
    v.scaleIO.storageMode ||= "ThinProvisioned";
    v.scaleIO.fsType ||= "xfs";
  }
}
