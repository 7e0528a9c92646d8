// Prints a JSON value as Go's %v prints what it was decoded to: `map[spec:map[replicas:3]]`. Error messages show patches so.

export function printGoValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printGoValue).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([k, v]) => `${k}:${printGoValue(v)}`).join(" ")}]`;
}
