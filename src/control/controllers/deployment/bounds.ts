// How many pods a rolling update may have beyond and below the wanted number (deployment util ResolveFenceposts).
import type { Deployment, IntOrString } from "../../../core/api/types.ts";

/** A number, or a percentage of `total`. Undefined where the text is neither. */
export function scaledValue(value: IntOrString | undefined, total: number, up: boolean): number | undefined {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const m = /^(\d+)%$/.exec(value);
  if (!m) return undefined;
  const exact = (Number(m[1]) * total) / 100;
  return up ? Math.ceil(exact) : Math.floor(exact);
}

export interface Bounds {
  maxSurge: number;
  maxUnavailable: number;
}

export const wantedReplicas = (d: Deployment): number => d.spec?.replicas ?? 1;

export const isRollingUpdate = (d: Deployment): boolean => d.spec?.strategy?.type !== "Recreate";

/** Surge rounds up, unavailable down; they are never both zero. Recreate has neither. */
export function rollingBounds(d: Deployment): Bounds {
  if (!isRollingUpdate(d)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = wantedReplicas(d);
  const { maxSurge, maxUnavailable } = d.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge ?? "25%", replicas, true) ?? 0;
  let unavailable = scaledValue(maxUnavailable ?? "25%", replicas, false) ?? 0;
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}
