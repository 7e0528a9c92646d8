// What one object takes of a quota, by the names that quotas use (kubernetes pkg/quota/v1/evaluator/core).
import { aggregateResources } from "../api/kinds/mod.ts";
import { addQuantities, parseQuantity, type Quantity } from "../api/quantity/mod.ts";
import type { KubeObject, PersistentVolumeClaim, Pod, Service } from "../api/types.ts";

export type Usage = Map<string, Quantity>;

export interface CountedKind {
  group: string;
  plural: string;
}

type List = Record<string, string | number> | undefined;

const number = (n: number): Quantity => parseQuantity(String(n));
const zero = number(0);
const one = number(1);

/** Kinds of the core group that quotas also know by their bare name. */
const bareNames = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);

export function addUsage(total: Usage, more: Usage): Usage {
  for (const [name, amount] of more) total.set(name, addQuantities(total.get(name) ?? zero, amount));
  return total;
}

/** What the pod says for itself goes before what its containers add up to. */
function podAmounts(pod: Pod, what: "requests" | "limits"): Usage {
  const { spec } = pod;
  const total: Usage = spec ? aggregateResources(spec, what) : new Map();
  for (const [name, text] of Object.entries(spec?.resources?.[what] ?? {}))
    total.set(name, parseQuantity(text));
  for (const [name, text] of Object.entries(spec?.overhead ?? {}))
    if (what === "requests" || total.has(name))
      total.set(name, addQuantities(total.get(name) ?? zero, parseQuantity(text)));
  return total;
}

const native = new Set(["cpu", "memory", "ephemeral-storage"]);

function podUsage(pod: Pod, nowMs: number): Usage {
  const usage: Usage = new Map();
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed") return usage;
  const { deletionTimestamp } = pod.metadata;
  // What should have been gone by now does not hold others up.
  if (deletionTimestamp && Date.parse(deletionTimestamp) < nowMs) return usage;
  usage.set("pods", one);
  for (const [name, amount] of podAmounts(pod, "requests")) {
    if (native.has(name) || name.startsWith("hugepages-")) usage.set(name, amount);
    usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod, "limits"))
    if (native.has(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

function serviceUsage({ spec }: Service): Usage {
  const ports = spec?.ports ?? [];
  const balanced = spec?.type === "LoadBalancer";
  const wanted =
    balanced && spec?.allocateLoadBalancerNodePorts === false ? ports.filter((p) => p.nodePort) : ports;
  return new Map([
    ["services.loadbalancers", balanced ? one : zero],
    ["services.nodeports", balanced || spec?.type === "NodePort" ? number(wanted.length) : zero],
  ]);
}

function claimUsage({ spec }: PersistentVolumeClaim): Usage {
  const storage = parseQuantity(spec?.resources?.requests?.storage ?? "0");
  const usage: Usage = new Map([["requests.storage", storage]]);
  if (!spec?.storageClassName) return usage;
  const prefix = `${spec.storageClassName}.storageclass.storage.k8s.io`;
  usage.set(`${prefix}/requests.storage`, storage);
  usage.set(`${prefix}/persistentvolumeclaims`, one);
  return usage;
}

export function usageOf({ group, plural }: CountedKind, object: KubeObject, nowMs: number): Usage {
  const usage: Usage = new Map([[`count/${plural}${group === "" ? "" : `.${group}`}`, one]]);
  if (group !== "") return usage;
  if (bareNames.has(plural)) usage.set(plural, one);
  if (plural === "pods") addUsage(usage, podUsage(object as Pod, nowMs));
  else if (plural === "services") addUsage(usage, serviceUsage(object as Service));
  else if (plural === "persistentvolumeclaims") addUsage(usage, claimUsage(object as PersistentVolumeClaim));
  return usage;
}

/** Whether objects of a kind can count for that name at all. */
export function countsFor({ group, plural }: CountedKind, name: string): boolean {
  if (name.startsWith("count/")) return name === `count/${plural}${group === "" ? "" : `.${group}`}`;
  if (group !== "") return false;
  if (plural === "services") return name === "services" || name.startsWith("services.");
  if (plural === "persistentvolumeclaims")
    return name === plural || name === "requests.storage" || name.includes(".storageclass.storage.k8s.io/");
  if (plural !== "pods") return name === plural;
  if (name === "requests.storage" || name.includes(".storageclass.storage.k8s.io/")) return false;
  return name === "pods" || native.has(name) || /^(requests\.|limits\.|hugepages-)/.test(name);
}

/** Names for which a quota wants every container to say something. */
const demanded = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/** `must specify cpu for: a,b; memory for: a`: what the pod leaves open though the quota counts it. */
export function unspecified(names: Iterable<string>, pod: Pod): string | undefined {
  if (Object.keys(pod.spec?.resources ?? {}).length > 0) return undefined;
  const wanted = new Set(names);
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const missing = demanded.flatMap((name) => {
    if (!wanted.has(name)) return [];
    const [list, resource] = name.startsWith("limits.")
      ? (["limits", name.slice(7)] as const)
      : (["requests", name.replace("requests.", "")] as const);
    const without = containers.filter((c) => (c.resources?.[list] as List)?.[resource] === undefined);
    return without.length === 0
      ? []
      : [`${name} for: ${[...new Set(without.map((c) => c.name))].sort().join(",")}`];
  });
  return missing.length === 0 ? undefined : `must specify ${missing.join("; ")}`;
}
