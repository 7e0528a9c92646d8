// What the client wants to read: JSON or YAML, as the object, a Table or only its metadata (API concepts, "Alternate representations").
import { notAcceptable } from "../../../core/api/status.ts";

export type Shape = "object" | "table" | "partial" | "partial-list";

export interface Accepted {
  media: "application/json" | "application/yaml";
  shape: Shape;
  /** Version of meta.k8s.io that a Table or PartialObjectMetadata is in. */
  version: string;
}

interface MediaRange {
  type: string;
  params: Map<string, string>;
  q: number;
}

/** The ranges of an Accept header, most wanted first. */
export function parseAccept(header: string): MediaRange[] {
  const ranges: MediaRange[] = [];
  for (const part of header.split(",")) {
    const [type = "", ...rest] = part.split(";").map((s) => s.trim());
    if (type === "") continue;
    const params = new Map<string, string>();
    for (const p of rest) {
      const eq = p.indexOf("=");
      if (eq > 0) params.set(p.slice(0, eq).toLowerCase(), p.slice(eq + 1).replace(/^"|"$/g, ""));
    }
    const q = Number(params.get("q") ?? "1");
    ranges.push({ type: type.toLowerCase(), params, q: Number.isFinite(q) ? q : 1 });
  }
  return ranges.sort((a, b) => b.q - a.q);
}

const plain: Accepted = { media: "application/json", shape: "object", version: "v1" };
const shapes = new Map<string, Shape>([
  ["Table", "table"],
  ["PartialObjectMetadata", "partial"],
  ["PartialObjectMetadataList", "partial-list"],
]);

function match(range: MediaRange, allowed: readonly Shape[]): Accepted | undefined {
  let media: Accepted["media"];
  if (range.type === "application/json" || range.type === "*/*" || range.type === "application/*")
    media = "application/json";
  else if (range.type === "application/yaml") media = "application/yaml";
  else return undefined;
  const as = range.params.get("as");
  if (as === undefined) return media === "application/json" ? plain : { ...plain, media };
  const shape = shapes.get(as);
  const version = range.params.get("v") ?? "v1";
  if (!shape || !allowed.includes(shape) || range.params.get("g") !== "meta.k8s.io") return undefined;
  if (version !== "v1" && version !== "v1beta1") return undefined;
  return { media, shape, version };
}

const mediaTypes = "application/json, application/yaml";

/** The first wanted form that can be given. Throws StatusError 406. */
export function negotiate(header: string | undefined, allowed: readonly Shape[]): Accepted {
  if (header === undefined || header === "" || header === "*/*" || header === "application/json")
    return plain;
  for (const range of parseAccept(header)) {
    const accepted = match(range, allowed);
    if (accepted) return accepted;
  }
  throw notAcceptable(`only the following media types are accepted: ${mediaTypes}`);
}
