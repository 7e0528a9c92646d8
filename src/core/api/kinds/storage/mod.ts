// The door of kinds/storage: claims, volumes and classes.
export { persistentVolume } from "./persistent-volume.ts";
export { persistentVolumeClaim, setClaimDefaults, validateClaimSpec } from "./persistent-volume-claim.ts";
export { isDefaultStorageClass, storageClass } from "./storage-class.ts";
