// The scheduler's picture of the cluster: which pods are where, promises included that the API does not show yet.
import type { Namespace, Node, Pod } from "../../core/api/types.ts";
import { NodeInfo } from "./node-info.ts";

const terminal = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

export class ClusterView {
  readonly #infos = new Map<string, NodeInfo>();
  readonly #nodeOf = new Map<string, string>();
  readonly #namespaceLabels = new Map<string, Record<string, string>>();

  /** Nodes that exist, in order of their coming. */
  nodes(): NodeInfo[] {
    return [...this.#infos.values()].filter((i) => i.node !== undefined);
  }

  info(name: string): NodeInfo {
    let info = this.#infos.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#infos.set(name, info);
    }
    return info;
  }

  putNode(node: Node): void {
    this.info(node.metadata.name!).node = node;
  }

  removeNode(node: Node): void {
    const info = this.info(node.metadata.name!);
    info.node = undefined;
    this.#drop(info);
  }

  putNamespace(ns: Namespace): void {
    this.#namespaceLabels.set(ns.metadata.name!, ns.metadata.labels ?? {});
  }

  removeNamespace(ns: Namespace): void {
    this.#namespaceLabels.delete(ns.metadata.name!);
  }

  namespaceLabels(name: string): Record<string, string> {
    return this.#namespaceLabels.get(name) ?? {};
  }

  /** Takes a pod as the API shows it: on a node it counts, finished or not yet placed it does not (a promise stays). */
  putPod(pod: Pod): void {
    const node = pod.spec?.nodeName;
    if (terminal(pod)) this.removePod(pod);
    else if (node) this.#place(pod, node);
  }

  removePod(pod: Pod): void {
    const node = this.#nodeOf.get(pod.metadata.uid!);
    if (node === undefined) return;
    this.#nodeOf.delete(pod.metadata.uid!);
    const info = this.info(node);
    info.remove(pod);
    this.#drop(info);
  }

  /** Counts a pod on a node before the API says so. `removePod` takes it back. */
  promise(pod: Pod, node: string): void {
    this.#place(pod, node);
  }

  #place(pod: Pod, node: string): void {
    const before = this.#nodeOf.get(pod.metadata.uid!);
    if (before !== undefined && before !== node) this.info(before).remove(pod);
    this.#nodeOf.set(pod.metadata.uid!, node);
    this.info(node).put(pod);
  }

  #drop(info: NodeInfo): void {
    if (!info.node && info.pods.size === 0) this.#infos.delete(info.name);
  }
}
