// Makes pages that a proxied server sends point back through the proxy: links and redirects that name an absolute path of
// their own host get the proxy's path in front. Specification: apimachinery's proxy transport.

export interface ProxyPlace {
  /** Host and port of the server behind the proxy. */
  backendHost: string;
  /** The Host header of the client's request. */
  requestHost: string;
  /** Path of the proxy on this side, e.g. `/api/v1/namespaces/ns/services/web/proxy`. */
  prefix: string;
}

const urlParts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s;

/** Joins as Go's path.Join does, keeping a slash at the end. */
function joinPath(prefix: string, path: string): string {
  const out: string[] = [];
  for (const part of `${prefix}/${path}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") out.pop();
    else out.push(part);
  }
  const joined = `/${out.join("/")}`;
  return path.endsWith("/") && joined !== "/" ? `${joined}/` : joined;
}

export function rewriteLink(link: string, place: ProxyPlace): string {
  const m = urlParts.exec(link);
  if (!m) return link;
  const [, scheme, host, path = "", rest = ""] = m;
  const elsewhere =
    host !== undefined && host !== "" && host !== place.backendHost && host !== place.requestHost;
  if (elsewhere || !path.startsWith("/")) return link;
  const keepHost = host !== undefined && host !== "" && host === place.requestHost;
  const origin = keepHost ? `${scheme === undefined ? "" : `${scheme}:`}//${host}` : "";
  if (path.startsWith(place.prefix)) return `${origin}${path}${rest}`;
  return `${origin}${joinPath(place.prefix, path)}${rest}`;
}

/** Tags and those of their attributes that hold URLs (HTML 4 and 5). */
const urlAttributes = new Map<string, readonly string[]>([
  ["a", ["href"]],
  ["applet", ["codebase"]],
  ["area", ["href"]],
  ["audio", ["src"]],
  ["base", ["href"]],
  ["blockquote", ["cite"]],
  ["body", ["background"]],
  ["button", ["formaction"]],
  ["command", ["icon"]],
  ["del", ["cite"]],
  ["embed", ["src"]],
  ["form", ["action"]],
  ["frame", ["longdesc", "src"]],
  ["head", ["profile"]],
  ["html", ["manifest"]],
  ["iframe", ["longdesc", "src"]],
  ["img", ["longdesc", "src", "usemap"]],
  ["input", ["src", "usemap", "formaction"]],
  ["ins", ["cite"]],
  ["link", ["href"]],
  ["object", ["classid", "codebase", "data", "usemap"]],
  ["q", ["cite"]],
  ["script", ["src"]],
  ["source", ["src"]],
  ["video", ["poster", "src"]],
]);
/** Elements whose content is text, whatever it looks like. */
const rawText = new Set([
  "script",
  "style",
  "textarea",
  "title",
  "xmp",
  "iframe",
  "noembed",
  "noframes",
  "noscript",
]);
const attribute = /([^\s"'>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'=<>`]+)/g;
const unescapes: [RegExp, string][] = [
  [/&quot;/g, '"'],
  [/&#39;/g, "'"],
  [/&lt;/g, "<"],
  [/&gt;/g, ">"],
  [/&amp;/g, "&"],
];

function rewriteAttributes(tag: string, text: string, place: ProxyPlace): string {
  const names = urlAttributes.get(tag.toLowerCase());
  if (!names) return text;
  return text.replace(attribute, (whole, name: string, equals: string, quoted: string) => {
    if (!names.includes(name.toLowerCase())) return whole;
    const quote = quoted[0] === '"' || quoted[0] === "'" ? quoted[0] : "";
    let value = quote === "" ? quoted : quoted.slice(1, -1);
    for (const [pattern, char] of unescapes) value = value.replace(pattern, char);
    const link = rewriteLink(value, place);
    if (link === value) return whole;
    const escaped = link.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
    return `${name}${equals}"${escaped}"`;
  });
}

/** Index of the `>` that ends the tag whose attributes begin at `from`; -1 when none does. One pass: pages are foreign. */
function tagEnd(page: string, from: number): number {
  let quote = "";
  let last = "";
  for (let i = from; i < page.length; i++) {
    const c = page[i]!;
    if (quote !== "") {
      if (c === quote) quote = "";
    } else if (c === ">") return i;
    else if ((c === '"' || c === "'") && last === "=") quote = c;
    if (c !== " " && c !== "\n" && c !== "\t" && c !== "\r") last = c;
  }
  return -1;
}

const tagName = /[a-zA-Z][^\s/>]*/y;

/** The page with its links rewritten; every other character stays as it came. */
export function rewriteHtml(page: string, place: ProxyPlace): string {
  let out = "";
  let done = 0;
  let at = page.indexOf("<");
  while (at >= 0) {
    let next = at + 1;
    if (page.startsWith("<!--", at)) {
      const end = page.indexOf("-->", at + 4);
      if (end < 0) break;
      next = end + 3;
    } else {
      tagName.lastIndex = at + 1;
      const tag = tagName.exec(page)?.[0];
      if (tag !== undefined) {
        const from = at + 1 + tag.length;
        const end = tagEnd(page, from);
        if (end < 0) break;
        out += page.slice(done, from) + rewriteAttributes(tag, page.slice(from, end), place);
        done = end;
        next = end + 1;
        if (rawText.has(tag.toLowerCase())) {
          const close = new RegExp(`</${tag.toLowerCase()}[\\s/>]`, "gi");
          close.lastIndex = next;
          const found = close.exec(page);
          if (!found) break;
          next = found.index;
        }
      }
    }
    at = page.indexOf("<", next);
  }
  return out + page.slice(done);
}
