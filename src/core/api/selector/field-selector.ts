// Reads the text form of a field selector, `status.phase!=Running,metadata.name=x` (apimachinery fields.ParseSelector).
import { badRequest } from "../status.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.filter((t) => t !== "").sort();
}

function unescapeValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") {
      const next = text[++i] ?? "";
      if (next === "" || !"\\,=".includes(next))
        throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
      out += next;
    } else if (c === "," || c === "=") {
      throw badRequest(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`);
    } else out += c;
  }
  return out;
}

/** Every requirement must hold. `==` is `=`. Throws StatusError 400 with fields.ParseSelector's message. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text).map((term) => {
    const m = /(!=|==|=)/.exec(term);
    if (!m) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    return {
      field: term.slice(0, m.index),
      operator: m[1] === "!=" ? "!=" : "=",
      value: unescapeValue(term.slice(m.index + m[1]!.length)),
    };
  });
}
