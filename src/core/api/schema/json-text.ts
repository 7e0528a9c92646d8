// Reads JSON text the slow way where JSON.parse says too little: errors worded as Go words them, and repeated keys.
// Iterative, so that no nesting overflows the stack (RFC 8259; Go's encoding/json scanner).

/** Go refuses deeper documents, and so do we. */
export const maxDepth = 10_000;

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

/** `keys` has, for every object in which a key repeats, all its keys in the order of the text. */
export interface ParsedJson {
  readonly value: unknown;
  readonly keys: ReadonlyMap<object, readonly string[]>;
}

const whitespace = (c: string): boolean => c === " " || c === "\t" || c === "\r" || c === "\n";

function quoted(c: string): string {
  if (c === "'") return "'\\''";
  if (c === '"') return "'\"'";
  const code = c.codePointAt(0)!;
  const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  if (named[c]) return `'${named[c]}'`;
  return code < 32 || code === 127 ? `'\\x${code.toString(16).padStart(2, "0")}'` : `'${c}'`;
}

class Reader {
  readonly #text: string;
  #at = 0;
  readonly keys = new Map<object, string[]>();

  constructor(text: string) {
    this.#text = text;
  }

  #fail(where: string): never {
    const c = this.#text[this.#at];
    if (c === undefined) throw new JsonSyntaxError("unexpected end of JSON input");
    throw new JsonSyntaxError(`invalid character ${quoted(c)} ${where}`);
  }

  #space(): string | undefined {
    while (this.#at < this.#text.length && whitespace(this.#text[this.#at]!)) this.#at++;
    return this.#text[this.#at];
  }

  #string(): string {
    const start = this.#at++;
    while (true) {
      const c = this.#text[this.#at];
      if (c === undefined || c < " ") this.#fail("in string literal");
      this.#at++;
      if (c === '"') return JSON.parse(this.#text.slice(start, this.#at));
      if (c !== "\\") continue;
      const escaped = this.#text[this.#at];
      if (escaped === undefined || !'bfnrt\\/"u'.includes(escaped)) this.#fail("in string escape code");
      this.#at++;
      for (let i = 0; escaped === "u" && i < 4; i++) {
        if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ""))
          this.#fail("in \\u hexadecimal character escape");
        this.#at++;
      }
    }
  }

  #literal(word: string, value: unknown): unknown {
    for (const [i, c] of [...word].entries()) {
      if (i > 0 && this.#text[this.#at] !== c) this.#fail(`in literal ${word} (expecting '${c}')`);
      this.#at++;
    }
    return value;
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#text[this.#at] ?? "")) this.#fail(where);
    while (/[0-9]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #number(): number {
    const start = this.#at;
    if (this.#text[this.#at] === "-") this.#at++;
    if (this.#text[this.#at] === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[+-]/.test(this.#text[this.#at] ?? "")) this.#at++;
      this.#digits("in exponent of numeric literal");
    }
    return Number(this.#text.slice(start, this.#at));
  }

  #scalar(): unknown {
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case "t":
        return this.#literal("true", true);
      case "f":
        return this.#literal("false", false);
      case "n":
        return this.#literal("null", null);
      default:
        if (!/[-0-9]/.test(this.#text[this.#at] ?? "")) this.#fail("looking for beginning of value");
        return this.#number();
    }
  }

  read(): unknown {
    type Open = { value: unknown[] } | { value: Record<string, unknown>; names: string[]; repeats: boolean };
    const open: Open[] = [];
    let value: unknown;
    while (true) {
      // A value begins here.
      const c = this.#space();
      if (c === "{" || c === "[") {
        this.#at++;
        if (open.length + 1 > maxDepth) throw new JsonSyntaxError("exceeded max depth");
        const level: Open = c === "[" ? { value: [] } : { value: {}, names: [], repeats: false };
        const next = this.#space();
        if (next === (c === "[" ? "]" : "}")) {
          this.#at++;
          value = level.value;
        } else {
          open.push(level);
          if ("names" in level) this.#key(level);
          continue;
        }
      } else value = this.#scalar();
      // It has ended: hand it to what it stands in, which may end too.
      while (true) {
        const after = this.#space();
        const level = open.at(-1);
        if (!level) {
          if (after !== undefined) this.#fail("after top-level value");
          return value;
        }
        if (!("names" in level)) {
          level.value.push(value);
          if (after !== "," && after !== "]") this.#fail("after array element");
        } else {
          setOwn(level.value, level.names.at(-1)!, value);
          if (after !== "," && after !== "}") this.#fail("after object key:value pair");
        }
        this.#at++;
        if (after === ",") {
          if ("names" in level) this.#key(level);
          break;
        }
        open.pop();
        value = level.value;
        if ("names" in level && level.repeats) this.keys.set(level.value, level.names);
      }
    }
  }

  #key(level: { value: Record<string, unknown>; names: string[]; repeats: boolean }): void {
    if (this.#space() !== '"') this.#fail("looking for beginning of object key string");
    const name = this.#string();
    if (Object.hasOwn(level.value, name)) level.repeats = true;
    level.names.push(name);
    if (this.#space() !== ":") this.#fail("after object key");
    this.#at++;
  }
}

/** Sets an own property, whatever its name. */
export function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

/** Throws JsonSyntaxError with the message of Go's encoding/json. */
export function parseJsonSlowly(text: string): ParsedJson {
  const reader = new Reader(text);
  const value = reader.read();
  return { value, keys: reader.keys };
}

/** How many keys stand in a JSON text that JSON.parse accepts: strings that a colon follows. */
export function countKeysInText(text: string): number {
  let n = 0;
  let at = text.indexOf('"');
  while (at >= 0) {
    let end = text.indexOf('"', at + 1);
    while (text.charCodeAt(end - 1) === 92 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    do end++;
    while (text.charCodeAt(end) <= 32);
    if (text.charCodeAt(end) === 58) n++;
    at = text.indexOf('"', end);
  }
  return n;
}

/** Whether an odd number of backslashes stands before this place. */
function isEscaped(text: string, at: number): boolean {
  let n = 0;
  while (text.charCodeAt(at - 1 - n) === 92) n++;
  return n % 2 === 1;
}

/** How many keys stand in a value, at any depth; undefined when it is nested deeper than `limit`. */
export function countKeys(value: unknown, limit = maxDepth): number | undefined {
  if (typeof value !== "object" || value === null) return 0;
  let n = 0;
  let level: object[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return undefined;
    const next: object[] = [];
    for (const o of level) {
      const values = Object.values(o);
      if (!Array.isArray(o)) n += values.length;
      for (const v of values) if (typeof v === "object" && v !== null) next.push(v);
    }
    level = next;
  }
  return n;
}
