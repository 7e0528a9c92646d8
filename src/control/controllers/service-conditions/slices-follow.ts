// Whether the slices of a Service say what its pods of this moment do: until then, what the kernels have is of yesterday.
import type { EndpointSlice, Pod, Service } from "../../../core/api/types.ts";
import { isPodReady } from "../pods/mod.ts";
import { canBeEndpoint, isSelecting, podAddresses, resolvePorts } from "../service-pods/mod.ts";

type Family = "IPv4" | "IPv6";

const familiesOf = (s: Service): Family[] =>
  (s.spec?.ipFamilies?.length ? s.spec.ipFamilies : ["IPv4"]) as Family[];

/** Every ready endpoint, as `address name protocol number`. */
function inSlices(slices: readonly EndpointSlice[], families: readonly string[]): Set<string> {
  const out = new Set<string>();
  for (const slice of slices) {
    if (!families.includes(slice.addressType)) continue;
    for (const e of slice.endpoints ?? [])
      if (e.conditions?.ready !== false)
        // A Service without ports has a slice with one that has no number.
        for (const p of slice.ports?.length ? slice.ports : [undefined])
          out.add(`${e.addresses[0]} ${p?.port ? `${p.name ?? ""} ${p.protocol ?? "TCP"} ${p.port}` : ""}`);
  }
  return out;
}

function fromPods(service: Service, pods: readonly Pod[], families: readonly Family[]): Set<string> {
  const early = service.spec?.publishNotReadyAddresses ?? false;
  const out = new Set<string>();
  for (const pod of pods) {
    if (!canBeEndpoint(pod, early) || !(early || isPodReady(pod))) continue;
    const ports = resolvePorts(service, pod).map((p) => `${p.name} ${p.protocol} ${p.port}`);
    for (const family of families)
      for (const address of podAddresses(pod, family).slice(0, 1))
        for (const port of ports.length > 0 ? ports : [""]) out.add(`${address} ${port}`);
  }
  return out;
}

/** `slices` are all of the Service, `pods` those that it selects. True where no controller makes the slices. */
export function slicesFollow(
  service: Service,
  pods: readonly Pod[],
  slices: readonly EndpointSlice[],
): boolean {
  if (!isSelecting(service)) return true;
  if (slices.length === 0) return false;
  const families = familiesOf(service);
  const has = inSlices(slices, families);
  const wanted = fromPods(service, pods, families);
  return has.size === wanted.size && [...wanted].every((w) => has.has(w));
}

export const hasReadyEndpoint = (slices: readonly EndpointSlice[]): boolean =>
  slices.some((s) => s.endpoints?.some((e) => e.conditions?.ready !== false));
