// A node with the pods that are on it or were promised to it, and what they use together (scheduler framework NodeInfo).
import type { Node, Pod } from "../../core/api/types.ts";
import { type Amounts, addAmounts, amountsOf } from "../../core/scheduling/mod.ts";
import { type PodRequests, podRequests } from "./pod-requests.ts";

export interface PlacedPod {
  pod: Pod;
  requests: PodRequests;
}

export class NodeInfo {
  readonly name: string;
  readonly pods = new Map<string, PlacedPod>();
  readonly requested: Amounts = new Map();
  readonly scored = { cpu: 0, memory: 0 };
  allocatable: Amounts = new Map();
  #node: Node | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Undefined while pods are known on a node that is not, or no longer. */
  get node(): Node | undefined {
    return this.#node;
  }
  set node(node: Node | undefined) {
    this.#node = node;
    this.allocatable = amountsOf(node?.status?.allocatable);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#node?.metadata.labels ?? {};
  }

  /** Adds a pod or puts its newer version in place of the older one. */
  put(pod: Pod): void {
    this.remove(pod);
    const requests = podRequests(pod);
    this.pods.set(pod.metadata.uid!, { pod, requests });
    this.#count(requests, 1);
  }

  remove(pod: Pod): void {
    const placed = this.pods.get(pod.metadata.uid!);
    if (!placed) return;
    this.pods.delete(pod.metadata.uid!);
    this.#count(placed.requests, -1);
  }

  #count(requests: PodRequests, sign: 1 | -1): void {
    addAmounts(this.requested, requests.resources, sign);
    this.scored.cpu += sign * requests.scored.cpu;
    this.scored.memory += sign * requests.scored.memory;
  }
}
