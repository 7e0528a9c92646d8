// An image reference as people type it, and in full as the runtime stores it (distribution/reference's normalised form):
// `nginx` is docker.io/library/nginx:latest.

export interface ImageReference {
  /** Registry host, e.g. "docker.io". */
  readonly domain: string;
  /** Repository below the host, e.g. "library/nginx". */
  readonly path: string;
  /** Absent only where a digest is given without a tag. */
  readonly tag: string | undefined;
  /** e.g. "sha256:…". */
  readonly digest: string | undefined;
}

const pathRule = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const domainRule =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$|^\[[a-fA-F0-9:]+\](?::[0-9]+)?$/;
const tagRule = /^[\w][\w.-]{0,127}$/;
const digestRule = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Reads a reference; undefined where it is none (upper case in the repository, an empty tag …). */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named, digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !digestRule.test(digest))) return undefined;
  const slash = named!.lastIndexOf("/");
  const colon = named!.indexOf(":", slash + 1);
  const tag = colon < 0 ? undefined : named!.slice(colon + 1);
  if (tag !== undefined && !tagRule.test(tag)) return undefined;
  const name = colon < 0 ? named! : named!.slice(0, colon);
  const first = name.indexOf("/");
  const head = name.slice(0, first);
  const hasDomain = first > 0 && (/[.:]/.test(head) || head === "localhost" || head !== head.toLowerCase());
  let domain = hasDomain ? head : "docker.io";
  let path = hasDomain ? name.slice(first + 1) : name;
  if (domain === "index.docker.io") domain = "docker.io";
  if (domain === "docker.io" && !path.includes("/")) path = `library/${path}`;
  if (!domainRule.test(domain) || !pathRule.test(path)) return undefined;
  return { domain, path, tag: tag ?? (digest ? undefined : "latest"), digest };
}

/** The full form: `docker.io/library/nginx:latest`. */
export function printImageReference(r: ImageReference): string {
  return `${r.domain}/${r.path}${r.tag ? `:${r.tag}` : ""}${r.digest ? `@${r.digest}` : ""}`;
}
