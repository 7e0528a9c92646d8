// Which objects belong to a controller: adopts orphans that its selector matches, lets go those that it no longer matches
// (pkg/controller PodControllerRefManager).
import type { ResourceRef } from "../../../core/api/refs.ts";
import { isInvalid, isNotFound } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { Informer, KubeClient } from "../../client/mod.ts";
import { byController, controllerOf, controllerRefTo, orphansOf } from "./controller-ref.ts";

export interface Claim<T> {
  mine: T[];
  adopt: T[];
  release: T[];
}

/** Sorts objects by what is to become of them; the rest is somebody else's. An owner being deleted adopts and releases nothing. */
function decideClaims<T extends KubeObject>(
  owner: KubeObject,
  objects: readonly T[],
  matches: (obj: T) => boolean,
): Claim<T> {
  const claim: Claim<T> = { mine: [], adopt: [], release: [] };
  const dying = owner.metadata.deletionTimestamp !== undefined;
  for (const obj of objects) {
    const controller = controllerOf(obj);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(obj)) claim.mine.push(obj);
      else if (!dying) claim.release.push(obj);
    } else if (!dying && matches(obj) && !obj.metadata.deletionTimestamp) claim.adopt.push(obj);
  }
  return claim;
}

export interface Claimer<T extends KubeObject> {
  client: KubeClient;
  ref: ResourceRef<T>;
  informer: Informer<T>;
  ownerRef: ResourceRef;
}

/** Indexes an informer so that `claimObjects` finds owned objects and orphans without a walk. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): void {
  informer.index("controller", byController);
}

/** What the cache holds under that controller at this moment. */
export function ownedBy<T extends KubeObject>(informer: Informer<T>, owner: KubeObject): T[] {
  return informer.byIndex("controller", owner.metadata.uid!);
}

/**
 * Adopts and releases what has to be. Afterwards `ownedBy` tells the owner's objects: read it in the same turn as deciding
 * on them, because the cache moves on meanwhile. Throws StatusError when the API refuses.
 */
export async function settleClaims<T extends KubeObject>(
  { client, ref, informer, ownerRef }: Claimer<T>,
  owner: KubeObject,
  matches: (obj: T) => boolean,
): Promise<void> {
  const { namespace, uid } = owner.metadata;
  const candidates = [
    ...informer.byIndex("controller", uid!),
    ...informer.byIndex("controller", orphansOf(namespace)),
  ].filter((o) => o.metadata.namespace === namespace);
  const { adopt, release } = decideClaims(owner, candidates, matches);
  if (adopt.length > 0) {
    const fresh = await client.get(ownerRef, owner.metadata.name!, { namespace });
    if (fresh.metadata.uid !== uid || fresh.metadata.deletionTimestamp) adopt.length = 0;
  }
  const patch = async (obj: T, reference: object): Promise<void> => {
    const body = { metadata: { ownerReferences: [reference], uid: obj.metadata.uid } };
    try {
      informer.wrote(await client.patch(ref, obj.metadata.name!, body, { namespace, type: "strategic" }));
    } catch (error) {
      // Gone meanwhile, or it has no such owner any more: nothing is left to do.
      if (!isNotFound(error) && !isInvalid(error)) throw error;
    }
  };
  await Promise.all([
    ...adopt.map((o) => patch(o, controllerRefTo(ownerRef, owner))),
    ...release.map((o) => patch(o, { $patch: "delete", uid })),
  ]);
}
