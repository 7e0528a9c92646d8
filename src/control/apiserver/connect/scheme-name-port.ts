// The three forms in which proxy subresources name their object: `name`, `name:port`, `scheme:name:port`.

export interface SchemeNamePort {
  scheme: "" | "http" | "https";
  name: string;
  /** A number or a port's name; "" when none was given. */
  port: string;
}

export function splitSchemeNamePort(id: string): SchemeNamePort | undefined {
  const parts = id.split(":");
  if (parts.length > 3) return undefined;
  const [scheme, name, port] =
    parts.length === 3 ? parts : parts.length === 2 ? ["", ...parts] : ["", parts[0], ""];
  if (!name || (scheme !== "" && scheme !== "http" && scheme !== "https")) return undefined;
  return { scheme, name, port: port ?? "" };
}
