/** A moment as metav1.Time writes it: RFC 3339, UTC, whole seconds (what is beyond is cut off). `ms` since the epoch. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
