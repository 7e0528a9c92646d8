// Parses the rules that Portolan writes: a small part of nft's language, refused loudly beyond it.

/** What rules put numbers into: the packet's mark, its connection's, the packet's priority. */
export type Register = "meta" | "ct" | "priority";

/** Something with a value. */
export type Word =
  | { kind: "field"; name: "saddr" | "daddr" | "l4proto" | "dport" }
  | { kind: "mark"; of: Register; and?: number; or?: number }
  | { kind: "numgen"; modulus: number }
  | { kind: "hash"; of: Word; modulus: number }
  | { kind: "constant"; value: number }
  | { kind: "concat"; parts: Word[] };

export type RulePart =
  | {
      kind: "match";
      left: Word;
      not: boolean;
      right: { kind: "set"; name: string } | { kind: "values"; values: string[] };
    }
  | { kind: "flag"; name: string }
  | { kind: "set"; target: Register; value: Word; map?: string }
  | { kind: "learn"; verb: "add" | "update" | "delete"; set: string; key: Word; timeout: number }
  | { kind: "dnat"; key: Word; map: string }
  | { kind: "vmap"; key: Word; map: string }
  | { kind: "jump"; verb: "goto" | "jump"; chain: string }
  | { kind: "verdict"; name: "accept" | "drop" | "reject" | "return" | "masquerade" };

const wordsOf: Readonly<Record<Register, readonly string[]>> = {
  meta: ["meta", "mark"],
  ct: ["ct", "mark"],
  priority: ["meta", "priority"],
};
const registers = Object.keys(wordsOf) as Register[];

const known = new Map<string, RulePart[]>();

/** A rule's parts in order. Throws SyntaxError for what is not in the part of the language that is known here. */
export function parseRule(text: string): readonly RulePart[] {
  let parts = known.get(text);
  if (parts) return parts;
  parts = parse(text);
  if (known.size > 4096) known.clear();
  known.set(text, parts);
  return parts;
}

function parse(text: string): RulePart[] {
  const tokens = text.match(/[(){}]|[^\s(){},]+|,/g) ?? [];
  let at = 0;
  const peek = (ahead = 0): string | undefined => tokens[at + ahead];
  function refuse(): never {
    throw new SyntaxError(`unknown at "${tokens.slice(at, at + 4).join(" ")}" in rule: ${text}`);
  }
  function eat(...wanted: string[]): boolean {
    if (!wanted.every((w, i) => peek(i) === w)) return false;
    at += wanted.length;
    return true;
  }
  const number = (): number => {
    const token = peek();
    if (token === undefined || !/^(0x[0-9a-f]+|\d+)$/.test(token)) refuse();
    at++;
    return Number(token);
  };
  function setName(): string {
    const token = peek();
    if (!token?.startsWith("@")) refuse();
    at++;
    return token.slice(1);
  }

  function simple(): Word {
    if (eat("(")) {
      const inner = simple();
      if (!eat(")")) refuse();
      return inner;
    }
    if (eat("meta", "l4proto")) return { kind: "field", name: "l4proto" };
    if (eat("th", "dport")) return { kind: "field", name: "dport" };
    for (const family of ["ip", "ip6"]) {
      if (eat(family, "saddr")) return { kind: "field", name: "saddr" };
      if (eat(family, "daddr")) return { kind: "field", name: "daddr" };
    }
    if (eat("numgen", "random", "mod")) return { kind: "numgen", modulus: number() };
    if (eat("jhash")) {
      const of = simple();
      if (!eat("mod")) refuse();
      const modulus = number();
      if (eat("seed")) number();
      return { kind: "hash", of, modulus };
    }
    if (eat("none")) return { kind: "constant", value: 0 };
    for (const of of registers) {
      if (!eat(...wordsOf[of])) continue;
      if (eat("&")) return { kind: "mark", of, and: number() };
      if (eat("|")) return { kind: "mark", of, or: number() };
      return { kind: "mark", of };
    }
    return { kind: "constant", value: number() };
  }

  function word(): Word {
    const parts = [simple()];
    while (eat(".")) parts.push(simple());
    return parts.length === 1 ? parts[0]! : { kind: "concat", parts };
  }

  function learn(verb: "add" | "update" | "delete"): RulePart {
    const set = setName();
    if (!eat("{")) refuse();
    const key = word();
    let timeout = 0;
    if (eat("timeout")) {
      timeout = Number.parseInt(peek() ?? refuse(), 10);
      at++;
    }
    if (!eat(":", "meta", "mark", "}")) refuse();
    return { kind: "learn", verb, set, key, timeout };
  }

  function match(left: Word): RulePart {
    if (eat("vmap")) return { kind: "vmap", key: left, map: setName() };
    const not = eat("!=");
    if (peek()?.startsWith("@")) return { kind: "match", left, not, right: { kind: "set", name: setName() } };
    const values: string[] = [];
    if (eat("{")) {
      do {
        values.push(peek() ?? refuse());
        at++;
      } while (eat(","));
      if (!eat("}")) refuse();
    } else {
      values.push(peek() ?? refuse());
      at++;
    }
    return { kind: "match", left, not, right: { kind: "values", values } };
  }

  function part(): RulePart {
    for (const name of ["ct state new", "ct state invalid", "ct status dnat", "fib saddr type local"])
      if (eat(...name.split(" "))) return { kind: "flag", name };
    for (const target of registers) {
      if (!eat(...wordsOf[target], "set")) continue;
      const value = word();
      return eat("map") ? { kind: "set", target, value, map: setName() } : { kind: "set", target, value };
    }
    for (const verb of ["add", "update", "delete"] as const) if (eat(verb)) return learn(verb);
    for (const verb of ["goto", "jump"] as const)
      if (eat(verb)) return { kind: "jump", verb, chain: tokens[at++] ?? refuse() };
    if (eat("dnat", "ip", "to") || eat("dnat", "ip6", "to")) {
      const key = word();
      if (!eat("map")) refuse();
      return { kind: "dnat", key, map: setName() };
    }
    if (eat("masquerade", "fully-random")) return { kind: "verdict", name: "masquerade" };
    if (eat("reject", "with", "tcp", "reset") || eat("reject")) return { kind: "verdict", name: "reject" };
    for (const name of ["accept", "drop", "return"] as const) if (eat(name)) return { kind: "verdict", name };
    return match(word());
  }

  const parts: RulePart[] = [];
  while (at < tokens.length) parts.push(part());
  return parts;
}
