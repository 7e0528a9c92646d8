// $(NAME) references in command, args and env values (core/v1 Container.command): known names are replaced, unknown ones
// stay as they are, `$$` is a literal `$`.

/** `$$(X)` gives `$(X)`; a `$` before anything else stays. */
export function expandReferences(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    const next = text[i + 1];
    if (c !== "$" || next === undefined) out += c;
    else if (next === "$") {
      out += "$";
      i++;
    } else if (next === "(") {
      const end = text.indexOf(")", i + 2);
      if (end < 0) {
        out += "$(";
        i++;
        continue;
      }
      const name = text.slice(i + 2, end);
      out += lookup(name) ?? `$(${name})`;
      i = end;
    } else {
      // Like Go's parser: the `$` and what follows it are taken together.
      out += c + next;
      i++;
    }
  }
  return out;
}
