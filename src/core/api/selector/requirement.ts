// One condition on one label, and how it is matched and printed (apimachinery labels.Requirement).

export type Operator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

/** `values` is sorted and without repeats; empty for `exists` and `!`. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Go's strconv.ParseInt(text, 10, 64); undefined where that fails. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const n = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, n) === n ? n : undefined;
}

export function requirementMatches(r: Requirement, labels: Labels | undefined): boolean {
  const has = labels !== undefined && Object.hasOwn(labels, r.key);
  const value = has ? labels[r.key]! : "";
  switch (r.operator) {
    case "=":
    case "==":
    case "in":
      return has && r.values.includes(value);
    case "!=":
    case "notin":
      return !has || !r.values.includes(value);
    case "exists":
      return has;
    case "!":
      return !has;
    default: {
      const left = has ? parseInt64(value) : undefined;
      const right = parseInt64(r.values[0]!);
      if (left === undefined || right === undefined) return false;
      return r.operator === "gt" ? left > right : left < right;
    }
  }
}

const infix: Partial<Record<Operator, string>> = { gt: ">", lt: "<" };

export function printRequirement(r: Requirement): string {
  if (r.operator === "exists") return r.key;
  if (r.operator === "!") return `!${r.key}`;
  if (r.operator === "in" || r.operator === "notin") return `${r.key} ${r.operator} (${r.values.join(",")})`;
  return `${r.key}${infix[r.operator] ?? r.operator}${r.values.join(",")}`;
}
