// Reads the text form of a label selector, `a=b,c in (x,y),!d` (apimachinery labels.Parse; API concepts, "Label selectors").
import { badRequest } from "../status.ts";
import { labelKeyErrors, labelValueErrors } from "./label-syntax.ts";
import { type Operator, parseInt64, type Requirement } from "./requirement.ts";

type Token = Operator | "id" | "(" | ")" | "," | "end" | "error";
interface Item {
  token: Token;
  text: string;
}

const words = new Map<string, Token>([
  [")", ")"],
  [",", ","],
  ["!", "!"],
  ["==", "=="],
  ["=", "="],
  [">", "gt"],
  ["<", "lt"],
  ["!=", "!="],
  ["in", "in"],
  ["notin", "notin"],
  ["(", "("],
]);
const isSpecial = (c: string): boolean => "=!(),><".includes(c);
const isSpace = (c: string): boolean => c === " " || c === "\t" || c === "\r" || c === "\n";

function scan(text: string): Item[] {
  const items: Item[] = [];
  let at = 0;
  while (true) {
    while (at < text.length && isSpace(text[at]!)) at++;
    if (at >= text.length || text[at] === "\0") {
      items.push({ token: "end", text: "" });
      return items;
    }
    const start = at;
    if (!isSpecial(text[at]!)) {
      while (at < text.length && !isSpecial(text[at]!) && !isSpace(text[at]!)) at++;
      const word = text.slice(start, at);
      items.push({ token: words.get(word) ?? "id", text: word });
      continue;
    }
    let found: Item | undefined;
    while (at < text.length && isSpecial(text[at]!)) {
      const symbol = text.slice(start, at + 1);
      const token = words.get(symbol);
      if (token) found = { token, text: symbol };
      else if (found) break;
      at++;
    }
    items.push(found ?? { token: "error", text: `error expected: keyword found '${text.slice(start, at)}'` });
  }
}

class Refused extends Error {}

const refuse = (message: string): never => {
  throw new Refused(message);
};

/** The checks of labels.NewRequirement, joined as Go prints an aggregate of them. */
function checkRequirement(r: Requirement): void {
  const errors: string[] = [];
  const quoted = (s: string): string => JSON.stringify(s);
  const keyErrors = labelKeyErrors(r.key);
  if (keyErrors.length > 0) errors.push(`key: Invalid value: ${quoted(r.key)}: ${keyErrors.join("; ")}`);
  if ((r.operator === "gt" || r.operator === "lt") && parseInt64(r.values[0]!) === undefined)
    errors.push(
      `values[0]: Invalid value: ${quoted(r.values[0]!)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  for (const [i, value] of r.values.entries()) {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0)
      errors.push(`values[${i}][${r.key}]: Invalid value: ${quoted(value)}: ${valueErrors.join("; ")}`);
  }
  if (errors.length === 1) refuse(errors[0]!);
  if (errors.length > 1) refuse(`[${errors.join(", ")}]`);
}

class Parser {
  #at = 0;
  readonly #items: Item[];
  constructor(text: string) {
    this.#items = scan(text);
  }

  /** `in` and `notin` are words like any other where a value or key may stand. */
  #peek(asValue = true): Item {
    const item = this.#items[Math.min(this.#at, this.#items.length - 1)]!;
    return asValue && (item.token === "in" || item.token === "notin") ? { ...item, token: "id" } : item;
  }

  #next(asValue = true): Item {
    const item = this.#peek(asValue);
    this.#at++;
    return item;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    while (true) {
      const { token, text } = this.#peek();
      if (token === "end") return requirements;
      if (token !== "id" && token !== "!")
        refuse(`found '${text}', expected: !, identifier, or 'end of string'`);
      try {
        const r = this.#requirement();
        checkRequirement(r);
        requirements.push(r);
      } catch (e) {
        if (e instanceof Refused) refuse(`unable to parse requirement: ${e.message}`);
        throw e;
      }
      const after = this.#next();
      if (after.token === "end") return requirements;
      if (after.token !== ",") refuse(`found '${after.text}', expected: ',' or 'end of string'`);
      const follows = this.#peek();
      if (follows.token !== "id" && follows.token !== "!")
        refuse(`found '${follows.text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    let item = this.#next();
    const negated = item.token === "!";
    if (negated) item = this.#next();
    if (item.token !== "id") refuse(`found '${item.text}', expected: identifier`);
    const key = item.text;
    const errors = labelKeyErrors(key);
    if (errors.length > 0) refuse(`<nil>: Invalid value: ${JSON.stringify(key)}: ${errors.join("; ")}`);
    const ahead = this.#peek().token;
    if (negated) return { key, operator: "!", values: [] };
    if (ahead === "end" || ahead === ",") return { key, operator: "exists", values: [] };
    const { token, text } = this.#next(false);
    switch (token) {
      case "in":
      case "notin":
        return { key, operator: token, values: this.#values() };
      case "=":
      case "==":
      case "!=":
      case "gt":
      case "lt":
        return { key, operator: token, values: [this.#value()] };
      default:
        return refuse(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #value(): string {
    const ahead = this.#peek().token;
    if (ahead === "end" || ahead === ",") return "";
    const { token, text } = this.#next();
    return token === "id" ? text : refuse(`found '${text}', expected: identifier`);
  }

  #values(): string[] {
    const open = this.#next();
    if (open.token !== "(") refuse(`found '${open.text}' expected: '('`);
    const ahead = this.#peek();
    if (ahead.token === ")") {
      this.#next();
      return [""];
    }
    if (ahead.token !== "id" && ahead.token !== ",")
      refuse(`found '${ahead.text}', expected: ',', ')' or identifier`);
    const values = this.#identifiers();
    if (this.#next().token !== ")") refuse(`found '${ahead.text}', expected: ')'`);
    return [...values].sort();
  }

  #identifiers(): Set<string> {
    const values = new Set<string>();
    while (true) {
      const { token, text } = this.#next();
      const ahead = this.#peek();
      if (token === "id") {
        values.add(text);
        if (ahead.token === ")") return values;
        if (ahead.token !== ",") refuse(`found '${ahead.text}', expected: ',' or ')'`);
      } else if (token === ",") {
        if (values.size === 0) values.add("");
        if (ahead.token === ")") return values.add("");
        if (ahead.token === ",") values.add("");
      } else refuse(`found '${text}', expected: ',', or identifier`);
    }
  }
}

const byKey = (a: Requirement, b: Requirement): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/**
 * The requirements of a selector, sorted by key; every one must match. Empty text gives none, which matches everything.
 * Throws StatusError 400 with labels.Parse's message.
 */
export function parseLabelSelector(text: string): Requirement[] {
  try {
    return new Parser(text).parse().sort(byKey);
  } catch (e) {
    if (e instanceof Refused) throw badRequest(e.message);
    throw e;
  }
}
