// Downward API field paths: `metadata.labels['x']`, `status.podIP`… (core/v1 ObjectFieldSelector, fieldpath package).
import type { Pod } from "../../../core/api/types.ts";

/** Addresses that may be known here before the API has them. */
export interface PodAddresses {
  podIPs: readonly string[];
  hostIPs: readonly string[];
  nodeName: string;
}

const quoteGo = (text: string): string => JSON.stringify(text);

/** `key="value"` lines, sorted, as volumes show whole label and annotation maps. */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((k) => `${k}=${quoteGo(map![k]!)}`)
    .join("\n");
}

/** The field's text; undefined where the path is none that the downward API knows. */
export function fieldValue(pod: Pod, path: string, at: PodAddresses): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) {
    const map = pod.metadata[keyed[1] as "labels" | "annotations"];
    return map && Object.hasOwn(map, keyed[2]!) ? map[keyed[2]!]! : "";
  }
  switch (path) {
    case "metadata.name":
      return pod.metadata.name ?? "";
    case "metadata.namespace":
      return pod.metadata.namespace ?? "";
    case "metadata.uid":
      return pod.metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return at.nodeName;
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "";
    case "status.hostIP":
      return at.hostIPs[0] ?? "";
    case "status.hostIPs":
      return at.hostIPs.join(",");
    case "status.podIP":
      return at.podIPs[0] ?? "";
    case "status.podIPs":
      return at.podIPs.join(",");
    default:
      return undefined;
  }
}
