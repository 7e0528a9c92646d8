// The loops that bind claims and volumes to each other, and let go of them when they are deleted.
import {
  persistentVolumeClaims as claimsRef,
  storageClasses as classesRef,
  pods as podsRef,
  persistentVolumes as volumesRef,
} from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../core/api/types.ts";
import {
  chooseVolume,
  classOf,
  isReservedFor,
  provisionedByAnnotation,
  provisionerAnnotation,
  selectedNodeAnnotation,
} from "../../../core/scheduling/mod.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, controllerVoice, type StartController, splitKey } from "../context.ts";

const component = "persistentvolume-controller";
const claimProtection = "kubernetes.io/pvc-protection";
const volumeProtection = "kubernetes.io/pv-protection";
const boundByController = { "pv.kubernetes.io/bound-by-controller": "yes" };
const bindCompleted = { "pv.kubernetes.io/bind-completed": "yes" };

const claimNames = (pod: Pod): string[] =>
  (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);

const without = (o: KubeObject, finalizer: string): KubeObject["metadata"] => ({
  ...o.metadata,
  finalizers: (o.metadata.finalizers ?? []).filter((f) => f !== finalizer),
});

const refersTo = (volume: PersistentVolume): string | undefined => {
  const ref = volume.spec?.claimRef;
  return ref && `${ref.namespace}/${ref.name}`;
};

export const startPersistentVolumes: StartController = (context) => {
  const { client, informers } = context;
  const claims = informers.of(claimsRef);
  const volumes = informers.of(volumesRef);
  const classes = informers.of(classesRef);
  const pods = informers.of(podsRef);
  pods.index("claim", (p) => claimNames(p).map((name) => `${p.metadata.namespace}/${name}`));
  const voice = controllerVoice(context, component);
  const say = voice(claimsRef);
  const sayOfVolume = voice(volumesRef);
  const claimQueue = controllerQueue(context, component, { work: syncClaim });
  // One at a time: two claims must not be given the same volume.
  const bindQueue = controllerQueue(context, component, { work: bind, workers: 1 });
  const volumeQueue = controllerQueue(context, component, { work: syncVolume });

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

  async function claimStatus(
    claim: PersistentVolumeClaim,
    status: NonNullable<PersistentVolumeClaim["status"]>,
  ): Promise<void> {
    claims.wrote(await client.update(claimsRef, { ...claim, status }, { subresource: "status" }));
  }

  async function volumePhase(volume: PersistentVolume, phase: string, message?: string): Promise<void> {
    if (volume.status?.phase === phase && volume.status.message === message) return;
    const lastPhaseTransitionTime = new Date(context.now()).toISOString().replace(/\.\d+Z/, "Z");
    const status = { phase, ...(message ? { message } : {}), lastPhaseTransitionTime };
    volumes.wrote(await client.update(volumesRef, { ...volume, status }, { subresource: "status" }));
  }

  async function syncClaim(key: string): Promise<void> {
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
      bindQueue.add(key);
      return;
    }
    const volume = volumes.get(name);
    if (claim.status?.phase !== "Bound" || (volume && isReservedFor(volume, claim))) return;
    await claimStatus(claim, { ...claim.status, phase: "Lost" });
    const [reason, message] = volume
      ? ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"]
      : ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"];
    say(claim, "Warning", reason, message);
  }

  async function bind(key: string): Promise<void> {
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
  }

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

  async function syncVolume(key: string): Promise<void> {
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
  }

  return async (signal) => {
    await Promise.all([claimQueue.run(signal), bindQueue.run(signal), volumeQueue.run(signal)]);
  };
};
