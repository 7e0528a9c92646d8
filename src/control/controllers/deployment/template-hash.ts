// The short name of a pod template (label pod-template-hash): FNV-1a of its canonical JSON in an alphabet without vowels, so
// that it spells nothing. Kubernetes hashes a Go dump; the value differs, its form and its use are the same.
import type { PodTemplateSpec } from "../../../core/api/types.ts";

export const hashLabel = "pod-template-hash";
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** JSON with sorted keys and without what says nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, v]) => v !== undefined && v !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`);
  return `{${fields.join(",")}}`;
}

/** `collisionCount` makes another name where two templates share one. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const text = canonical(template) + (collisionCount === undefined ? "" : `#${collisionCount}`);
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((c) => alphabet[c.charCodeAt(0) % alphabet.length]).join("");
}
