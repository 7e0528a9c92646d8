// Sets of fields as Kubernetes writes them (metav1.FieldsV1), and set arithmetic on that form itself. A node without children
// is a member, and so is one with a "."; other nodes only lead to members.

/** Keys: `f:name` a field, `k:{"name":"x"}` an element of a keyed list, `v:"x"` one of a set, `i:0` an index, `.` the node. */
export interface Fields {
  [element: string]: Fields;
}

/** A fresh leaf: nodes may be changed by whoever builds a set, so none is shared. */
export const leaf = (): Fields => ({});

export function isEmpty(node: Fields): boolean {
  for (const _ in node) return false;
  return true;
}

export const isMember = (node: Fields | undefined): boolean =>
  node !== undefined && (Object.hasOwn(node, ".") || isEmpty(node));

/** What becomes of a node that stands on one side only: kept as it is (and shared) or dropped. */
interface Operation {
  readonly onlyA: boolean;
  readonly onlyB: boolean;
  readonly both: boolean;
}

/** The node at one place from the two there; undefined where nothing is left. */
function combine(
  a: Fields | undefined,
  b: Fields | undefined,
  op: Operation,
  root: boolean,
): Fields | undefined {
  if (b === undefined) return op.onlyA ? a : undefined;
  if (a === undefined) return op.onlyB ? b : undefined;
  const out: Fields = {};
  let children = false;
  for (const key in a) {
    if (key === ".") continue;
    const child = combine(a[key], b[key], op, false);
    if (!child) continue;
    out[key] = child;
    children = true;
  }
  for (const key in b) {
    if (key === "." || !op.onlyB || Object.hasOwn(a, key)) continue;
    out[key] = b[key]!;
    children = true;
  }
  // The root leads to members but is none.
  if (root) return out;
  const inA = isMember(a);
  const inB = isMember(b);
  const member = inA ? (inB ? op.both : op.onlyA) : inB && op.onlyB;
  if (!children) return member ? out : undefined;
  if (member) out["."] = leaf();
  return out;
}

export const union = (a: Fields, b: Fields): Fields =>
  combine(a, b, { onlyA: true, onlyB: true, both: true }, true)!;
export const intersection = (a: Fields, b: Fields): Fields =>
  combine(a, b, { onlyA: false, onlyB: false, both: true }, true)!;
export const difference = (a: Fields, b: Fields): Fields =>
  combine(a, b, { onlyA: true, onlyB: false, both: false }, true)!;

/** The paths of all members, depth first, elements as in FieldsV1. */
export function* members(node: Fields, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0 && isMember(node)) yield path;
  for (const key of Object.keys(node).sort()) if (key !== ".") yield* members(node[key]!, [...path, key]);
}

/** The same set with its elements in order, as Kubernetes writes it; what is in order already is shared. */
export function ordered(node: Fields): Fields {
  const keys = Object.keys(node);
  const inOrder = keys.every((key, i) => i === 0 || keys[i - 1]! < key);
  if (!inOrder) keys.sort();
  let same = inOrder;
  const out: Fields = {};
  for (const key of keys) {
    out[key] = ordered(node[key]!);
    same &&= out[key] === node[key];
  }
  return same ? node : out;
}

/** `.spec.containers[name="web"].image`: a path as conflicts show it. */
export function printPath(path: readonly string[]): string {
  return path
    .map((element) => {
      const text = element.slice(2);
      if (element.startsWith("f:")) return `.${text}`;
      if (element.startsWith("i:")) return `[${text}]`;
      if (element.startsWith("v:")) return `[=${text}]`;
      const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
      return `[${keys.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(",")}]`;
    })
    .join("");
}

/** A value that came as FieldsV1, if it is one: objects all the way down, every key of a known form. */
export function parseFields(value: unknown, depth = 0): Fields | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > 100) return undefined;
  const out: Fields = {};
  for (const [key, v] of Object.entries(value)) {
    const child = /^(\.$|[fkvi]:)/.test(key) ? parseFields(v, depth + 1) : undefined;
    if (!child) return undefined;
    if (/^[kv]:/.test(key)) {
      try {
        JSON.parse(key.slice(2));
      } catch {
        return undefined;
      }
    }
    out[key] = child;
  }
  return out;
}
