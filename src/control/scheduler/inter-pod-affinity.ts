// Pods that want to be, or not to be, where other pods are (scheduler plugin InterPodAffinity).
import { labelSelectorMatches } from "../../core/api/selector/mod.ts";
import type { Pod } from "../../core/api/types.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { NodeInfo } from "./node-info.ts";

type Affinity = NonNullable<NonNullable<Pod["spec"]>["affinity"]>;
type Terms = NonNullable<Affinity["podAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"];
export type PodAffinityTerm = NonNullable<Terms>[number];

/** Does the term of `owner` mean this pod? Without namespaces and namespaceSelector it means its own namespace. */
function termMatches(term: PodAffinityTerm, owner: Pod, pod: Pod, view: ClusterView): boolean {
  const namespace = pod.metadata.namespace!;
  const named = term.namespaces?.includes(namespace) ?? false;
  const bySelector =
    term.namespaceSelector !== undefined &&
    labelSelectorMatches(term.namespaceSelector, view.namespaceLabels(namespace));
  const own = !term.namespaces?.length && !term.namespaceSelector && namespace === owner.metadata.namespace;
  if (!named && !bySelector && !own) return false;
  return labelSelectorMatches(term.labelSelector, pod.metadata.labels);
}

const required = (pod: Pod, kind: "podAffinity" | "podAntiAffinity"): PodAffinityTerm[] =>
  pod.spec?.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** A label of a node as one place: `key=value`. */
function placeOf(info: NodeInfo, key: string): string | undefined {
  return Object.hasOwn(info.labels, key) ? `${key}=${info.labels[key]}` : undefined;
}

/** What the pods that are there say about a coming pod; computed once a pod, asked once a node. */
export interface AffinityFacts {
  wanted: PodAffinityTerm[];
  /** Places where pods are that match every wanted term. */
  attracting: Set<string>;
  /** The pod matches its own terms: the first of its group may go anywhere. */
  selfMatching: boolean;
  unwanted: PodAffinityTerm[];
  /** Places where pods are that the coming pod avoids. */
  avoided: Set<string>;
  /** Places whose pods avoid the coming pod. */
  repelling: Set<string>;
}

export function gatherAffinity(pod: Pod, view: ClusterView): AffinityFacts {
  const wanted = required(pod, "podAffinity");
  const unwanted = required(pod, "podAntiAffinity");
  const facts: AffinityFacts = {
    wanted,
    unwanted,
    attracting: new Set(),
    avoided: new Set(),
    repelling: new Set(),
    selfMatching: wanted.every((t) => termMatches(t, pod, pod, view)),
  };
  const note = (set: Set<string>, info: NodeInfo, key: string): void => {
    const place = placeOf(info, key);
    if (place) set.add(place);
  };
  for (const info of view.nodes())
    for (const { pod: other } of info.pods.values()) {
      for (const t of required(other, "podAntiAffinity"))
        if (termMatches(t, other, pod, view)) note(facts.repelling, info, t.topologyKey);
      if (wanted.length > 0 && wanted.every((t) => termMatches(t, pod, other, view)))
        for (const t of wanted) note(facts.attracting, info, t.topologyKey);
      for (const t of unwanted)
        if (termMatches(t, pod, other, view)) note(facts.avoided, info, t.topologyKey);
    }
  return facts;
}

export type AffinityRefusal = "affinity" | "anti-affinity" | "existing anti-affinity";

export function refusedByAffinity(facts: AffinityFacts, info: NodeInfo): AffinityRefusal | undefined {
  const places = facts.wanted.map((t) => placeOf(info, t.topologyKey));
  if (places.some((p) => p === undefined)) return "affinity";
  const together = places.every((p) => facts.attracting.has(p!));
  if (!together && !(facts.attracting.size === 0 && facts.selfMatching)) return "affinity";
  for (const t of facts.unwanted)
    if (facts.avoided.has(placeOf(info, t.topologyKey) ?? "")) return "anti-affinity";
  for (const key in info.labels)
    if (facts.repelling.has(`${key}=${info.labels[key]}`)) return "existing anti-affinity";
  return undefined;
}

/** Sum of the weights of preferred terms, both ways, that speak for each node (negative: against it). */
export function preferredAffinity(
  pod: Pod,
  view: ClusterView,
  nodes: readonly NodeInfo[],
): Map<NodeInfo, number> {
  const weights = new Map<string, number>();
  const add = (info: NodeInfo, key: string, weight: number): void => {
    const place = placeOf(info, key);
    if (place) weights.set(place, (weights.get(place) ?? 0) + weight);
  };
  const preferred = (p: Pod, kind: "podAffinity" | "podAntiAffinity") =>
    p.spec?.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  for (const info of view.nodes())
    for (const { pod: other } of info.pods.values()) {
      for (const [kind, sign] of [
        ["podAffinity", 1],
        ["podAntiAffinity", -1],
      ] as const) {
        for (const p of preferred(pod, kind))
          if (termMatches(p.podAffinityTerm, pod, other, view))
            add(info, p.podAffinityTerm.topologyKey, sign * p.weight);
        for (const p of preferred(other, kind))
          if (termMatches(p.podAffinityTerm, other, pod, view))
            add(info, p.podAffinityTerm.topologyKey, sign * p.weight);
      }
      for (const t of required(other, "podAffinity"))
        if (termMatches(t, other, pod, view)) add(info, t.topologyKey, 1);
    }
  const out = new Map<NodeInfo, number>();
  for (const info of nodes) {
    let score = 0;
    for (const key in info.labels) score += weights.get(`${key}=${info.labels[key]}`) ?? 0;
    out.set(info, score);
  }
  return out;
}
