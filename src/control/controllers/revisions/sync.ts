// Carries a revision plan out.
import { controllerRevisions, type ResourceRef } from "../../../core/api/refs.ts";
import { isAlreadyExists, isNotFound } from "../../../core/api/status.ts";
import type { ControllerRevision, PodTemplateSpec } from "../../../core/api/types.ts";
import type { ControllerContext } from "../context.ts";
import { controllerRefTo, indexByController, ownedBy } from "../ownership/mod.ts";
import { expiredRevisions, planRevisions, type RevisionOwner } from "./plan.ts";

export interface Revisions {
  /** All of the owner's as the cache has them. */
  of(owner: RevisionOwner): ControllerRevision[];
  /** The revision of this template, made or renumbered where needed. `collided`: its name is another template's. */
  sync(owner: RevisionOwner, template: PodTemplateSpec): Promise<ControllerRevision | "collided">;
  /** Deletes old ones beyond the limit. */
  truncate(owner: RevisionOwner, limit: number, inUse: (r: ControllerRevision) => boolean): Promise<void>;
}

export function createRevisions({ client, informers }: ControllerContext, ownerRef: ResourceRef): Revisions {
  const revisions = informers.of(controllerRevisions);
  indexByController(revisions);
  return {
    of: (owner) => ownedBy(revisions, owner),
    async sync(owner, template) {
      const { namespace } = owner.metadata;
      const existing = ownedBy(revisions, owner);
      const plan = planRevisions(owner, template, {
        existing,
        ownerReference: controllerRefTo(ownerRef, owner),
      });
      if (plan.kind === "use") return plan.revision;
      if (plan.kind === "renumber") {
        const next = { ...plan.revision, revision: plan.to };
        const wrote = await client.update(controllerRevisions, next);
        revisions.wrote(wrote);
        return wrote;
      }
      try {
        const made = await client.create<ControllerRevision>(controllerRevisions, plan.revision, {
          namespace,
        });
        revisions.wrote(made);
        return made;
      } catch (error) {
        if (isAlreadyExists(error)) return "collided";
        throw error;
      }
    },
    async truncate(owner, limit, inUse) {
      for (const r of expiredRevisions(ownedBy(revisions, owner), { limit, inUse })) {
        try {
          await client.delete(controllerRevisions, r.metadata.name!, {
            namespace: r.metadata.namespace,
            preconditions: { uid: r.metadata.uid! },
          });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
    },
  };
}
