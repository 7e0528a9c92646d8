// Reads a URL path as the API server understands it: which resource, which object, which subresource, which verb
// (apiserver's RequestInfo; API concepts, "Resource URIs").

export interface RequestInfo {
  group: string;
  version: string;
  namespace: string | undefined;
  resource: string;
  /** "" for a collection. */
  name: string;
  /** "" for none. */
  subresource: string;
  /** What follows the subresource, with its leading slash; "" when nothing does. */
  subpath: string;
  /** The old form: /api/v1/watch/… */
  legacyWatch: boolean;
}

function decode(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** undefined: not a resource path. */
export function parseResourcePath(path: string): RequestInfo | undefined {
  const parts = path.split("/");
  // parts[0] is what is before the leading slash.
  let at: number;
  let group = "";
  if (parts[1] === "api") at = 2;
  else if (parts[1] === "apis") {
    group = parts[2] ?? "";
    if (group === "") return undefined;
    at = 3;
  } else return undefined;
  const version = parts[at++] ?? "";
  if (version === "" || parts[at] === undefined || parts[at] === "") return undefined;
  let legacyWatch = false;
  if (parts[at] === "watch" && parts.length > at + 1) {
    legacyWatch = true;
    at++;
  }
  let namespace: string | undefined;
  // /namespaces/N/RESOURCE is scope; /namespaces/N and /namespaces/N/status are the namespace itself.
  const inner = parts[at + 2];
  if (
    parts[at] === "namespaces" &&
    inner !== undefined &&
    inner !== "" &&
    inner !== "status" &&
    inner !== "finalize"
  ) {
    namespace = decode(parts[at + 1]!);
    if (namespace === undefined || namespace === "") return undefined;
    at += 2;
  }
  const resource = parts[at++]!;
  const name = decode(parts[at++] ?? "");
  if (name === undefined) return undefined;
  const subresource = parts[at++] ?? "";
  const rest = parts.slice(at);
  const subpath = rest.length > 0 ? `/${rest.join("/")}` : "";
  return { group, version, namespace, resource, name, subresource, subpath, legacyWatch };
}
