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

type Rule = (inA: boolean, inB: boolean) => boolean;

function combine(a: Fields | undefined, b: Fields | undefined, rule: Rule): Fields | undefined {
  const out: Fields = {};
  const member = rule(isMember(a), isMember(b));
  let children = false;
  const visit = (key: string): void => {
    if (key === "." || Object.hasOwn(out, key)) return;
    const child = combine(a?.[key], b?.[key], rule);
    if (!child) return;
    out[key] = child;
    children = true;
  };
  for (const key in a) visit(key);
  for (const key in b) visit(key);
  if (!children) return member ? out : undefined;
  if (member) out["."] = leaf();
  return out;
}

/** The root leads to members but is none. */
function combineRoots(a: Fields, b: Fields, rule: Rule): Fields {
  const out: Fields = {};
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const child = combine(a[key], b[key], rule);
    if (child) out[key] = child;
  }
  return out;
}

export const union = (a: Fields, b: Fields): Fields => combineRoots(a, b, (x, y) => x || y);
export const intersection = (a: Fields, b: Fields): Fields => combineRoots(a, b, (x, y) => x && y);
export const difference = (a: Fields, b: Fields): Fields => combineRoots(a, b, (x, y) => x && !y);

/** The paths of all members, depth first, elements as in FieldsV1. */
export function* members(node: Fields, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0 && isMember(node)) yield path;
  for (const key of Object.keys(node).sort()) if (key !== ".") yield* members(node[key]!, [...path, key]);
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
