// Containers, pods and claims stay within the LimitRanges of their namespace; containers that say nothing get the ranges'
// defaults (LimitRanger).
import { aggregateResources } from "../../../core/api/kinds/mod.ts";
import {
  compareQuantities,
  parseQuantity,
  printQuantity,
  quantityMilliValue,
} from "../../../core/api/quantity/mod.ts";
import { forbidden } from "../../../core/api/status.ts";
import type { Container, LimitRange, PersistentVolumeClaim, Pod } from "../../../core/api/types.ts";
import type { AdmissionPlugin, ApiCore } from "../context.ts";
import { subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";

type Amounts = Record<string, string>;
type Item = NonNullable<LimitRange["spec"]>["limits"][number];

const annotation = "kubernetes.io/limit-ranger";

function rangesOf(core: ApiCore, namespace: string): LimitRange[] {
  return core.store
    .range(`/registry/core/limitranges/${namespace}/`)
    .map((kv) => storedObject(kv) as LimitRange);
}

const itemsOf = (range: LimitRange, type: string): Item[] =>
  (range.spec?.limits ?? []).filter((item) => item.type === type);

/** Adds what the container leaves open; the words of the annotation. */
function fill(container: Container, items: readonly Item[], what: string): string[] {
  const words: string[] = [];
  for (const [list, defaults, word] of [
    ["requests", "defaultRequest", "request"],
    ["limits", "default", "limit"],
  ] as const) {
    const wanted = Object.assign({}, ...items.map((i) => i[defaults])) as Amounts;
    const has = (container.resources?.[list] ?? {}) as Amounts;
    const added = Object.keys(wanted)
      .filter((name) => !Object.hasOwn(has, name))
      .sort();
    if (added.length === 0) continue;
    container.resources = { ...container.resources, [list]: { ...wanted, ...has } };
    words.push(`${added.join(", ")} ${word} for ${what} ${container.name}`);
  }
  return words;
}

function setDefaults(pod: Pod, range: LimitRange): void {
  const items = itemsOf(range, "Container");
  const words = [
    ...(pod.spec?.containers ?? []).flatMap((c) => fill(c, items, "container")),
    ...(pod.spec?.initContainers ?? []).flatMap((c) => fill(c, items, "init container")),
  ];
  if (words.length === 0) return;
  const text = `LimitRanger plugin set: ${words.join("; ")}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: text };
}

const over = (a: string, b: string): boolean => compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;

/** What is wrong with requests and limits under one item. `claim`: limits do not exist there. */
function breaches(item: Item, requests: Amounts, limits: Amounts): string[] {
  const out: string[] = [];
  const { type } = item;
  for (const [name, least] of Object.entries(item.min ?? {}).sort()) {
    const text = `minimum ${name} usage per ${type} is ${least}`;
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined) out.push(`${text}.  No request is specified`);
    else if (over(least, request)) out.push(`${text}, but request is ${request}`);
    else if (limit !== undefined && over(least, limit)) out.push(`${text}, but limit is ${limit}`);
  }
  for (const [name, most] of Object.entries(item.max ?? {}).sort()) {
    const text = `maximum ${name} usage per ${type} is ${most}`;
    const [request, limit] = [requests[name], limits[name]];
    if (type === "PersistentVolumeClaim") {
      if (request === undefined) out.push(`${text}.  No request is specified`);
      else if (over(request, most)) out.push(`${text}, but request is ${request}`);
    } else if (limit === undefined) out.push(`${text}.  No limit is specified`);
    else if (over(limit, most)) out.push(`${text}, but limit is ${limit}`);
    else if (request !== undefined && over(request, most)) out.push(`${text}, but request is ${request}`);
  }
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {}).sort()) {
    const text = `${name} max limit to request ratio per ${type} is ${ratio}`;
    const [request, limit] = [requests[name], limits[name]].map((q) => (q ? quantityMilliValue(q) : 0));
    if (!request) out.push(`${text}, but no request is specified or request is 0`);
    else if (!limit) out.push(`${text}, but no limit is specified or limit is 0`);
    else if ((limit / request) * 1000 > quantityMilliValue(ratio))
      out.push(`${text}, but provided ratio is ${(limit / request).toFixed(6)}`);
  }
  return out;
}

function podBreaches(pod: Pod, range: LimitRange): string[] {
  const { spec } = pod;
  if (!spec) return [];
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const sum = (which: "requests" | "limits"): Amounts => ({
    ...Object.fromEntries([...aggregateResources(spec, which)].map(([n, q]) => [n, printQuantity(q)])),
    ...(spec.resources?.[which] as Amounts | undefined),
  });
  return [
    ...itemsOf(range, "Container").flatMap((item) =>
      containers.flatMap((c) => breaches(item, c.resources?.requests ?? {}, c.resources?.limits ?? {})),
    ),
    ...itemsOf(range, "Pod").flatMap((item) => breaches(item, sum("requests"), sum("limits"))),
  ];
}

export const limitRanges: AdmissionPlugin = (
  { operation, def, namespace, name, object, old, subresource },
  core,
) => {
  if (operation === "DELETE" || def.group !== "" || namespace === undefined || !object) return;
  if (def.plural !== "pods" && def.plural !== "persistentvolumeclaims") return;
  const isPod = def.plural === "pods";
  // A running pod changes its resources through `resize` alone.
  if (isPod && operation === "UPDATE" && subresource !== "resize") return;
  if ((!isPod && subresource !== "") || old?.metadata.deletionTimestamp) return;
  const ranges = rangesOf(core, namespace);
  if (isPod && operation === "CREATE") for (const range of ranges) setDefaults(object as Pod, range);
  for (const range of ranges) {
    const { spec } = object as PersistentVolumeClaim;
    const wrong = isPod
      ? podBreaches(object as Pod, range)
      : itemsOf(range, "PersistentVolumeClaim").flatMap((i) =>
          breaches(i, spec?.resources?.requests ?? {}, {}),
        );
    if (wrong.length === 0) continue;
    const text = wrong.length === 1 ? wrong[0]! : `[${[...new Set(wrong)].join(", ")}]`;
    throw forbidden(subjectOf(def), name, text);
  }
};
