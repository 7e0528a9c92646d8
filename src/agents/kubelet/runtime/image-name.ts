// Image references as users type them and as registries know them (distribution reference grammar).

const domain =
  "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?";
const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const pattern = new RegExp(
  `^(${part}(?:/${part})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

export interface ImageName {
  /** e.g. "docker.io". */
  registry: string;
  /** With registry, and tag or digest: `docker.io/library/nginx:latest`. */
  full: string;
}

/** The reference, or what is wrong with it in the words of the reference parser. */
export function parseImageName(text: string): ImageName | { error: string } {
  if (/^[a-f0-9]{64}$/.test(text))
    return { error: "invalid repository name, cannot specify 64-byte hexadecimal strings" };
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isDomain =
    first !== "" && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  let registry = isDomain ? first : "docker.io";
  let rest = isDomain ? text.slice(slash + 1) : text;
  if (registry === "index.docker.io") registry = "docker.io";
  if (registry === "docker.io" && !rest.includes("/")) rest = `library/${rest}`;
  const path = rest.split(/[:@]/)[0]!;
  if (path.toLowerCase() !== path)
    return { error: `invalid reference format: repository name (${path}) must be lowercase` };
  const m = pattern.exec(rest);
  if (!m || !new RegExp(`^${domain}$`).test(registry)) return { error: "invalid reference format" };
  const full = `${registry}/${rest}${m[2] || m[3] ? "" : ":latest"}`;
  return { registry, full };
}
