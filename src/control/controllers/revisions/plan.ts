// Which ControllerRevision holds a template, under which number (pkg/controller/history).
import type {
  ControllerRevision,
  KubeObject,
  OwnerReference,
  PodTemplateSpec,
} from "../../../core/api/types.ts";
import { templateHash } from "../deployment/mod.ts";
import { sameJson } from "../same-json.ts";

export const revisionHashLabel = "controller-revision-hash";

/** Keys in order, as Go writes maps: clients compare a revision's bytes with those of a template of their own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([k, v]) => [k, sorted(v)]));
}

/** A patch that brings the owner back to this template. */
function revisionData(template: PodTemplateSpec): object {
  return sorted({ spec: { template: { ...template, $patch: "replace" } } }) as object;
}

/** The template that a revision holds. */
export function revisionTemplate(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as unknown as { spec: { template: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _, ...template } = data.spec.template;
  return template;
}

const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision || ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1);

export type RevisionPlan =
  | { kind: "use"; revision: ControllerRevision }
  /** It comes back into use: it becomes the newest. */
  | { kind: "renumber"; revision: ControllerRevision; to: number }
  | { kind: "create"; revision: ControllerRevision };

export interface RevisionOwner extends KubeObject {
  status?: { collisionCount?: number };
}

export function planRevisions(
  owner: RevisionOwner,
  template: PodTemplateSpec,
  { existing, ownerReference }: { existing: readonly ControllerRevision[]; ownerReference: OwnerReference },
): RevisionPlan {
  const numbered = [...existing].sort(byRevision);
  const newest = numbered.at(-1)?.revision ?? 0;
  const data = revisionData(template);
  const same = numbered.filter((r) => sameJson(r.data, data)).at(-1);
  if (same)
    return same.revision === newest
      ? { kind: "use", revision: same }
      : { kind: "renumber", revision: same, to: newest + 1 };
  const hash = templateHash(template, owner.status?.collisionCount);
  const { name, namespace, annotations } = owner.metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...copied } = annotations ?? {};
  return {
    kind: "create",
    revision: {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name: `${name}-${hash}`,
        namespace: namespace!,
        labels: {
          ...template.metadata?.labels,
          [revisionHashLabel]: hash,
          "controller.kubernetes.io/hash": hash,
        },
        annotations: copied,
        ownerReferences: [ownerReference],
      },
      data: data as never,
      revision: newest + 1,
    },
  };
}

/** Old revisions beyond the limit that nothing uses any more. */
export function expiredRevisions(
  existing: readonly ControllerRevision[],
  { limit, inUse }: { limit: number; inUse: (r: ControllerRevision) => boolean },
): ControllerRevision[] {
  const idle = existing.filter((r) => !inUse(r)).sort(byRevision);
  return idle.slice(0, Math.max(0, idle.length - limit));
}
