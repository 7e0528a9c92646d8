// Gives a pending claim its volume, or says why it has none yet.
import {
  persistentVolumeClaims as claimsRef,
  persistentVolumes as volumesRef,
} from "../../../core/api/refs.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../core/api/types.ts";
import {
  chooseVolume,
  classOf,
  isReservedFor,
  provisionerAnnotation,
  selectedNodeAnnotation,
} from "../../../core/scheduling/mod.ts";
import type { VolumeParts } from "./parts.ts";

const boundByController = { "pv.kubernetes.io/bound-by-controller": "yes" };
const bindCompleted = { "pv.kubernetes.io/bind-completed": "yes" };

/** To be called for one claim at a time: two must not be given the same volume. */
export function createBinder({
  client,
  claims,
  volumes,
  classes,
  pods,
  say,
  claimStatus,
  volumePhase,
}: VolumeParts): (key: string) => Promise<void> {
  async function bindTo(found: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    let volume = found;
    const { namespace, name, uid } = claim.metadata;
    if (volume.spec?.claimRef?.uid !== uid) {
      const given = volume.spec?.claimRef !== undefined;
      const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
      volume = await client.update(volumesRef, {
        ...volume,
        metadata: given
          ? volume.metadata
          : { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...boundByController } },
        spec: { ...volume.spec, claimRef },
      } as PersistentVolume);
      volumes.wrote(volume);
    }
    await volumePhase(volume, "Bound");
    const annotations = {
      ...claim.metadata.annotations,
      ...bindCompleted,
      ...(claim.spec?.volumeName ? {} : boundByController),
    };
    const bound = await client.update(claimsRef, {
      ...claim,
      metadata: { ...claim.metadata, annotations },
      spec: { ...claim.spec, volumeName: volume.metadata.name },
    } as PersistentVolumeClaim);
    claims.wrote(bound);
    await claimStatus(bound, {
      phase: "Bound",
      ...(volume.spec?.accessModes ? { accessModes: volume.spec.accessModes } : {}),
      ...(volume.spec?.capacity ? { capacity: volume.spec.capacity } : {}),
    });
  }

  return async function bind(key: string): Promise<void> {
    const claim = claims.get(key);
    if (!claim || claim.metadata.deletionTimestamp || claim.status?.phase !== "Pending") return;
    const { volumeName } = claim.spec ?? {};
    if (volumeName) {
      const volume = volumes.get(volumeName);
      if (volume?.spec?.claimRef && !isReservedFor(volume, claim))
        say(claim, "Warning", "FailedBinding", `volume "${volumeName}" already bound to a different claim.`);
      else if (volume) await bindTo(volume, claim);
      return;
    }
    const className = classOf(claim);
    const storageClass = classes.get(className);
    const delayed = storageClass?.volumeBindingMode === "WaitForFirstConsumer";
    const choice = chooseVolume(
      delayed ? volumes.list().filter((v) => isReservedFor(v, claim)) : volumes.list(),
      claim,
    );
    if (choice) {
      await bindTo(choice, claim);
      return;
    }
    if (delayed && !claim.metadata.annotations?.[selectedNodeAnnotation]) {
      const waiting = pods.byIndex("claim", key).map((p) => p.metadata.name!);
      if (waiting.length === 0)
        say(
          claim,
          "Normal",
          "WaitForFirstConsumer",
          "waiting for first consumer to be created before binding",
        );
      else if (waiting.length === 1)
        say(claim, "Normal", "WaitForPodScheduled", `waiting for pod ${waiting[0]} to be scheduled`);
      else
        say(claim, "Normal", "WaitForPodScheduled", `waiting for pods ${waiting.join(",")} to be scheduled`);
      return;
    }
    if (className === "") {
      say(
        claim,
        "Normal",
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
      );
      return;
    }
    if (!storageClass) {
      say(claim, "Warning", "ProvisioningFailed", `storageclass.storage.k8s.io "${className}" not found`);
      return;
    }
    const { provisioner } = storageClass;
    if (provisioner === "kubernetes.io/no-provisioner") return;
    if (claim.metadata.annotations?.[provisionerAnnotation] !== provisioner) {
      const annotations = {
        ...claim.metadata.annotations,
        "volume.beta.kubernetes.io/storage-provisioner": provisioner,
        [provisionerAnnotation]: provisioner,
      };
      claims.wrote(
        await client.update(claimsRef, { ...claim, metadata: { ...claim.metadata, annotations } }),
      );
    }
    say(
      claim,
      "Normal",
      "ExternalProvisioning",
      `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
    );
  };
}
