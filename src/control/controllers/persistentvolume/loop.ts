// The loops that bind claims and volumes to each other, and let go of them when they are deleted: who is looked at when.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { createBinder } from "./bind-claim.ts";
import { claimNames, component, refersTo, volumeParts } from "./parts.ts";
import { createClaimSync } from "./sync-claim.ts";
import { createVolumeSync } from "./sync-volume.ts";

export const startPersistentVolumes: StartController = (context) => {
  const parts = volumeParts(context);
  const { claims, volumes, classes, pods } = parts;
  // One at a time: two claims must not be given the same volume.
  const bindQueue = controllerQueue(context, component, { work: createBinder(parts), workers: 1 });
  const claimQueue = controllerQueue(context, component, { work: createClaimSync(parts, bindQueue.add) });
  const volumeQueue = controllerQueue(context, component, { work: createVolumeSync(parts) });

  const claimChanged = (claim: PersistentVolumeClaim): void => {
    claimQueue.add(objectKey(claim));
    if (claim.spec?.volumeName) volumeQueue.add(claim.spec.volumeName);
  };
  claims.on({
    added: claimChanged,
    updated: claimChanged,
    deleted(claim) {
      for (const v of volumes.list()) if (refersTo(v) === objectKey(claim)) volumeQueue.add(objectKey(v));
    },
  });
  const volumeChanged = (volume: PersistentVolume): void => {
    volumeQueue.add(objectKey(volume));
    const claim = refersTo(volume);
    if (claim !== undefined) claimQueue.add(claim);
    else for (const c of claims.list()) if (c.status?.phase === "Pending") claimQueue.add(objectKey(c));
  };
  volumes.on({ added: volumeChanged, updated: volumeChanged, deleted: volumeChanged });
  const classChanged = (): void => {
    for (const c of claims.list()) if (c.status?.phase === "Pending") claimQueue.add(objectKey(c));
  };
  classes.on({ added: classChanged, updated: classChanged });
  const podChanged = (pod: Pod): void => {
    for (const name of claimNames(pod)) claimQueue.add(`${pod.metadata.namespace}/${name}`);
  };
  pods.on({ added: podChanged, deleted: podChanged });

  return async (signal) => {
    await Promise.all([claimQueue.run(signal), bindQueue.run(signal), volumeQueue.run(signal)]);
  };
};
