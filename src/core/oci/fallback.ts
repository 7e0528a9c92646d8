// Which image stands in for one that no registry could be asked for: the same repository with another tag, else an image
// that Portolan builds under a name of its own which does the same work (busybox from another registry, the pause image).
import { type ImageReference, parseImageReference, printImageReference } from "./reference.ts";

const ownDomain = "portolan.local";

/** Last part of a repository to the repository that does its work: shells with network tools, web servers by the same name. */
const equivalents = new Map([
  ["busybox", "docker.io/library/busybox"],
  ["nginx", "docker.io/library/nginx"],
  ["pause", `${ownDomain}/pause`],
  ["busyboxplus", `${ownDomain}/toolbox`],
  ["dnstools", `${ownDomain}/toolbox`],
  ["dnsutils", `${ownDomain}/toolbox`],
  ["jessie-dnsutils", `${ownDomain}/toolbox`],
  ["netshoot", `${ownDomain}/toolbox`],
  ["network-multitool", `${ownDomain}/toolbox`],
]);

const repository = (r: ImageReference): string => `${r.domain}/${r.path}`;

/**
 * The image among `available` (full references, any order) that may stand in for `ref`, or undefined. A reference by
 * digest names bytes, not a program: nothing stands in for it.
 */
export function fallbackImageFor(ref: string, available: readonly string[]): string | undefined {
  const wanted = parseImageReference(ref);
  if (!wanted || wanted.digest) return undefined;
  const images = available
    .map((a) => parseImageReference(a))
    .filter((r): r is ImageReference => r?.tag !== undefined && r.digest === undefined)
    .sort(
      (a, b) => preference(a) - preference(b) || (printImageReference(a) < printImageReference(b) ? -1 : 1),
    );
  const exact = images.find((r) => repository(r) === repository(wanted) && r.tag === wanted.tag);
  if (exact) return printImageReference(exact);
  const last = wanted.path.slice(wanted.path.lastIndexOf("/") + 1);
  for (const candidate of [repository(wanted), equivalents.get(last)]) {
    const found = images.find((r) => repository(r) === candidate);
    if (found) return printImageReference(found);
  }
  return undefined;
}

/** `latest` is what people mean when they do not care. */
const preference = (r: ImageReference): number => (r.tag === "latest" ? 0 : 1);
