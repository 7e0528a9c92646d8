// What the loops over claims and volumes share: the caches, the events, and the writes of a status, whose answers go into the
// caches.
import {
  persistentVolumeClaims as claimsRef,
  storageClasses as classesRef,
  pods as podsRef,
  persistentVolumes as volumesRef,
} from "../../../core/api/refs.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../core/api/types.ts";
import { type ControllerContext, controllerVoice } from "../context.ts";

export const component = "persistentvolume-controller";

/** The claims that a pod names. */
export const claimNames = (pod: Pod): string[] =>
  (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);

/** The key of the claim that a volume is for. */
export const refersTo = (volume: PersistentVolume): string | undefined => {
  const ref = volume.spec?.claimRef;
  return ref && `${ref.namespace}/${ref.name}`;
};

/** The object's metadata but for the finalizer. */
export const without = (o: KubeObject, finalizer: string): KubeObject["metadata"] => ({
  ...o.metadata,
  finalizers: (o.metadata.finalizers ?? []).filter((f) => f !== finalizer),
});

export type VolumeParts = ReturnType<typeof volumeParts>;

export function volumeParts(context: ControllerContext) {
  const { client, informers, now } = context;
  const claims = informers.of(claimsRef);
  const volumes = informers.of(volumesRef);
  const classes = informers.of(classesRef);
  const pods = informers.of(podsRef);
  pods.index("claim", (p) => claimNames(p).map((name) => `${p.metadata.namespace}/${name}`));
  const voice = controllerVoice(context, component);

  async function claimStatus(
    claim: PersistentVolumeClaim,
    status: NonNullable<PersistentVolumeClaim["status"]>,
  ): Promise<void> {
    claims.wrote(await client.update(claimsRef, { ...claim, status }, { subresource: "status" }));
  }

  async function volumePhase(volume: PersistentVolume, phase: string, message?: string): Promise<void> {
    if (volume.status?.phase === phase && volume.status.message === message) return;
    const lastPhaseTransitionTime = timestamp(now());
    const status = { phase, ...(message ? { message } : {}), lastPhaseTransitionTime };
    volumes.wrote(await client.update(volumesRef, { ...volume, status }, { subresource: "status" }));
  }

  return {
    client,
    claims,
    volumes,
    classes,
    pods,
    say: voice(claimsRef),
    sayOfVolume: voice(volumesRef),
    claimStatus,
    volumePhase,
  };
}
