// `noexec` for a container's mount, which CRI cannot ask for: written into the container's OCI specification between the
// making of the container and its start. The text is changed in place: a number in it may be larger than JavaScript's.

/** A string as Go's encoding/json writes it. */
const goString = (text: string): string =>
  JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The specification with every mount at `destination` not to be executed from; undefined where there is no such mount. */
export function forbidExecution(spec: string, destination: string): string | undefined {
  const head = `{"destination":${goString(destination)},`;
  // What follows is members with strings as values: a quote inside of a string has a backslash before it.
  const members = /^(?:"(?:type|source)":"(?:[^"\\]|\\.)*",)*"options":\[/;
  let out = "";
  let rest = spec;
  let found = false;
  for (let at = rest.indexOf(head); at >= 0; at = rest.indexOf(head)) {
    const after = at + head.length;
    const m = members.exec(rest.slice(after));
    const end = after + (m?.[0].length ?? 0);
    out += rest.slice(0, end);
    rest = rest.slice(end);
    if (!m) continue;
    found = true;
    out += rest.startsWith("]") ? '"noexec"' : '"noexec",';
  }
  return found ? out + rest : undefined;
}
