// Arranges endpoints in slices with as few writes as possible: what stays stays where it is, slices written anyway are
// filled first, slices to delete are rewritten instead of new ones made (k8s.io/endpointslice reconciler, KEP-752).

import type { Endpoint, EndpointPort, EndpointSlice } from "../../../core/api/types.ts";
import { sameJson } from "../same-json.ts";
import type { ResolvedPort } from "../service-pods/mod.ts";
import type { Hinted } from "./topology-mode.ts";

export type Slice = EndpointSlice & { endpoints: Endpoint[] };

/** Equal for port lists that may share a slice. */
export const portsKey = (ports: readonly ResolvedPort[]): string =>
  JSON.stringify([...ports].map((p) => [p.name, p.port, p.protocol, p.appProtocol ?? ""]).sort());
export const slicePortsKey = (ports: readonly EndpointPort[] | undefined): string =>
  portsKey(
    (ports ?? []).map((p) => ({
      name: p.name ?? "",
      port: p.port ?? 0,
      protocol: p.protocol ?? "TCP",
      ...(p.appProtocol ? { appProtocol: p.appProtocol } : {}),
    })),
  );
export const endpointKey = (e: Endpoint): string =>
  `${e.targetRef?.kind}/${e.targetRef?.name}/${e.targetRef?.uid} ${e.addresses.join()}`;

/** The slices with one address type and one owner while they are being arranged. */
export class SliceDraft {
  create: Slice[] = [];
  update: Slice[] = [];
  remove: Slice[] = [];
  #unchanged: Slice[] = [];
  readonly #blank: Slice;
  readonly #max: number;
  readonly #labels: Record<string, string>;

  /** `blank` is the slice to start new ones from; its labels are what every slice shall have. */
  constructor(blank: Slice, max: number) {
    this.#blank = blank;
    this.#max = max;
    this.#labels = { ...blank.metadata.labels };
  }

  /**
   * Puts the endpoints of one port list into the slices that have it: what stays stays where it is, what is new fills
   * slices that are written anyway, then slices with room, then new ones.
   */
  place(ports: readonly ResolvedPort[], endpoints: Map<string, Endpoint>, slices: readonly Slice[]): void {
    const left = new Map(endpoints);
    const touched: Slice[] = [];
    const unchanged: Slice[] = [];
    for (const slice of slices) {
      const kept: Endpoint[] = [];
      let changed = !sameJson(slice.metadata.labels, this.#labels);
      for (const old of slice.endpoints) {
        const key = endpointKey(old);
        const now = left.get(key);
        left.delete(key);
        if (now) kept.push(now);
        const { hints: _, ...bare } = old;
        changed ||= !now || !sameJson(bare, now);
      }
      if (kept.length === 0) this.remove.push(slice);
      else if (changed) touched.push(this.#rewritten(slice, kept));
      else unchanged.push(slice);
    }
    const rest = [...left.values()];
    const fill = (slice: Slice): void => {
      slice.endpoints.push(...rest.splice(0, Math.max(0, this.#max - slice.endpoints.length)));
    };
    for (const slice of touched.sort((a, b) => b.endpoints.length - a.endpoints.length)) fill(slice);
    while (rest.length > 0) {
      const room = rest.length < this.#max ? fullestWithRoom(unchanged, rest.length, this.#max) : undefined;
      const slice = room
        ? this.#rewritten(room, room.endpoints)
        : { ...this.#blank, endpoints: [], ports: [...ports] };
      if (room) {
        unchanged.splice(unchanged.indexOf(room), 1);
        touched.push(slice);
      } else this.create.push(slice);
      fill(slice);
    }
    this.update.push(...touched);
    this.#unchanged.push(...unchanged);
  }

  #rewritten(slice: Slice, endpoints: readonly Endpoint[]): Slice {
    return { ...slice, metadata: { ...slice.metadata, labels: this.#labels }, endpoints: [...endpoints] };
  }

  /** A Service without endpoints keeps one empty slice, so that consumers know it has none. */
  keepPlaceholder(existing: number): void {
    if (existing !== this.remove.length || this.create.length > 0) return;
    const only = this.remove.length === 1 ? this.remove[0] : undefined;
    const isPlaceholder =
      only &&
      only.endpoints.length === 0 &&
      !only.ports?.length &&
      sameJson(only.metadata.labels, this.#labels);
    if (isPlaceholder) this.remove = [];
    else this.create.push({ ...this.#blank, endpoints: [], ports: [] });
  }

  /** Rewrites slices that would be deleted where others would be created. */
  reuseRemoved(): void {
    while (this.remove.length > 0 && this.create.length > 0) {
      const old = this.remove.shift()!;
      const slice = this.create.pop()!;
      const { generateName: _, ...meta } = slice.metadata;
      this.update.push({
        ...slice,
        metadata: { ...old.metadata, ...meta, name: old.metadata.name! },
      });
    }
  }

  /** As `hint` decides over the slices that are written and those that are not; why nobody has hints, if so. */
  share(hint: (written: readonly Slice[], unchanged: readonly Slice[]) => Hinted): string | undefined {
    const result = hint([...this.create, ...this.update], this.#unchanged);
    if ("refused" in result) {
      this.refine(({ hints: _, ...bare }) => bare);
      return result.refused;
    }
    for (const [slice, endpoints] of result.slices) {
      if (!this.#unchanged.includes(slice)) slice.endpoints = endpoints;
      else if (!sameJson(endpoints, slice.endpoints)) this.update.push({ ...slice, endpoints });
    }
    return undefined;
  }

  /** A last change to every endpoint, such as its hints; slices for which it makes no difference stay unwritten. */
  refine(change: (endpoint: Endpoint) => Endpoint): void {
    for (const slice of [...this.create, ...this.update]) slice.endpoints = slice.endpoints.map(change);
    for (const slice of this.#unchanged) {
      const endpoints = slice.endpoints.map(change);
      if (!sameJson(endpoints, slice.endpoints)) this.update.push({ ...slice, endpoints });
    }
  }
}

/** The slice that `count` more endpoints would fill best. */
function fullestWithRoom(slices: readonly Slice[], count: number, max: number): Slice | undefined {
  let best: Slice | undefined;
  for (const slice of slices)
    if (slice.endpoints.length + count <= max && (!best || slice.endpoints.length > best.endpoints.length))
      best = slice;
  return best;
}
