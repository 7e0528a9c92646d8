// Equality of JSON values as Kubernetes compares objects (apimachinery api/equality): absent, null, "", [] and {} are the same,
// and so are absent and zero where Go's field is no pointer.

/** Fields of specs that Go holds by value: `false` or 0 says no more than nothing. */
const plain = new Set([
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "hostPort",
  "healthCheckNodePort",
  "initialDelaySeconds",
  "minReadySeconds",
  "nodePort",
  "paused",
  "publishNotReadyAddresses",
  "readOnly",
  "stdin",
  "stdinOnce",
  "tty",
  "unschedulable",
]);

const isPlainZero = (key: string, v: unknown): boolean => (v === false || v === 0) && plain.has(key);

const isEmpty = (v: unknown): boolean =>
  v === undefined ||
  v === null ||
  v === "" ||
  (Array.isArray(v) && v.length === 0) ||
  (typeof v === "object" &&
    !Array.isArray(v) &&
    Object.entries(v).every(([k, part]) => isPlainZero(k, part) || isEmpty(part)));

/** True when the two differ at most in how an empty value is written. */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((v, i) => semanticEqual(v, b[i]))
    );
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const of = (o: Record<string, unknown>, k: string): unknown => {
    const v = Object.hasOwn(o, k) ? o[k] : undefined;
    return isPlainZero(k, v) ? undefined : v;
  };
  for (const k of Object.keys(left)) if (!semanticEqual(of(left, k), of(right, k))) return false;
  for (const k of Object.keys(right))
    if (!Object.hasOwn(left, k) && !semanticEqual(undefined, of(right, k))) return false;
  return true;
}
