// The default imagePullPolicy: Always for the tag `latest`, said or implied (kubernetes pkg/util/parsers).

/** A reference without tag and digest means `latest`. A port in the registry's name is no tag. */
export function defaultPullPolicy(image: string | undefined): "Always" | "IfNotPresent" {
  const reference = image ?? "";
  if (reference === "" || reference.trim() !== reference) return "IfNotPresent";
  const [name = "", digest] = reference.split("@", 2);
  const last = name.slice(name.lastIndexOf("/") + 1);
  const colon = last.indexOf(":");
  const tag = colon < 0 ? undefined : last.slice(colon + 1);
  return tag === "latest" || (tag === undefined && digest === undefined) ? "Always" : "IfNotPresent";
}
