// Revisions: which ReplicaSet is the current template's, and the annotations by which `kubectl rollout` finds its way
// (pkg/controller/deployment/util).
import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../../core/api/types.ts";
import { sameJson } from "../same-json.ts";
import { rollingBounds, wantedReplicas } from "./bounds.ts";
import { hashLabel } from "./template-hash.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";
const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);
const maxHistoryChars = 2000;

const size = (rs: ReplicaSet): number => rs.spec?.replicas ?? 1;

/** Oldest first. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [ta, tb] = [String(a.metadata.creationTimestamp), String(b.metadata.creationTimestamp)];
  if (ta !== tb) return ta < tb ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

/** Equal but for the hash label that a Deployment's ReplicaSet carries. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  const bare = (t: PodTemplateSpec | undefined): PodTemplateSpec => {
    const { [hashLabel]: _, ...labels } = t?.metadata?.labels ?? {};
    return { ...t, metadata: { ...t?.metadata, labels } } as PodTemplateSpec;
  };
  return sameJson(bare(a), bare(b));
}

/** The ReplicaSet of the current template (the oldest, should there be several), and all others. */
export function splitReplicaSets(
  d: Deployment,
  all: readonly ReplicaSet[],
): { current: ReplicaSet | undefined; old: ReplicaSet[] } {
  const sorted = [...all].sort(byCreation);
  const current = sorted.find((rs) => sameTemplate(rs.spec?.template, d.spec?.template));
  return { current, old: sorted.filter((rs) => rs !== current) };
}

/** An int64: adopted ReplicaSets may bring numbers beyond what a double holds exactly. */
export function revisionOf(o: ReplicaSet | Deployment): bigint {
  const text = o.metadata.annotations?.[revisionAnnotation] ?? "";
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

export function nextRevision(old: readonly ReplicaSet[]): bigint {
  let newest = 0n;
  for (const rs of old) if (revisionOf(rs) > newest) newest = revisionOf(rs);
  return newest + 1n;
}

function withHistory(history: string, revision: string): string {
  const parts = history === "" ? [] : history.split(",");
  let total = parts.reduce((sum, p) => sum + p.length + 1, 0) + revision.length;
  while (total > maxHistoryChars && parts.length > 0) total -= parts.shift()!.length + 1;
  return [...parts, revision].join(",");
}

/** The annotations that the current ReplicaSet should have; equal in content to what it has when nothing changes. */
export function currentAnnotations(
  d: Deployment,
  rs: ReplicaSet | undefined,
  revision: bigint,
): Record<string, string> {
  const out: Record<string, string> = { ...rs?.metadata.annotations };
  for (const [k, v] of Object.entries(d.metadata.annotations ?? {})) if (!notCopied.has(k)) out[k] = v;
  const before = out[revisionAnnotation];
  const known = before === undefined || before === "" || /^\d+$/.test(before);
  if (known && BigInt(before || 0) < revision) {
    out[revisionAnnotation] = String(revision);
    if (before) out[historyAnnotation] = withHistory(out[historyAnnotation] ?? "", before);
  }
  return rs ? out : { ...out, ...sizeAnnotations(d) };
}

/** What the Deployment wanted when the ReplicaSet was last sized: the base of proportional scaling. */
export function sizeAnnotations(d: Deployment): Record<string, string> {
  const replicas = wantedReplicas(d);
  return {
    [desiredAnnotation]: String(replicas),
    [maxAnnotation]: String(replicas + rollingBounds(d).maxSurge),
  };
}

function sizeAnnotation(rs: ReplicaSet, key: string): number | undefined {
  const text = rs.metadata.annotations?.[key];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
export const desiredReplicas = (rs: ReplicaSet): number | undefined => sizeAnnotation(rs, desiredAnnotation);
export const maxReplicas = (rs: ReplicaSet): number | undefined => sizeAnnotation(rs, maxAnnotation);

/** Old ReplicaSets beyond the history limit that are empty and seen to be so, oldest revision first. */
export function expiredReplicaSets(d: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = d.spec?.revisionHistoryLimit;
  if (limit === undefined) return [];
  const alive = old.filter((rs) => !rs.metadata.deletionTimestamp);
  const surplus = Math.max(0, alive.length - limit);
  return alive
    .sort((a, b) => Number(revisionOf(a) - revisionOf(b)))
    .slice(0, surplus)
    .filter(
      (rs) =>
        size(rs) === 0 &&
        (rs.status?.replicas ?? 0) === 0 &&
        (rs.metadata.generation ?? 0) <= (rs.status?.observedGeneration ?? 0),
    );
}
