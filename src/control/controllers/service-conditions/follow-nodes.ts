// Tells the coverage which nodes count and how far each says it is, and others when that has consequences.
import { leases as leasesRef, nodes as nodesRef } from "../../../core/api/refs.ts";
import type { Lease, Node } from "../../../core/api/types.ts";
import { nodeOfProgress, parseProgress } from "../../../core/network/mod.ts";
import type { Informers } from "../../client/mod.ts";
import type { Coverage } from "./coverage.ts";

export interface FollowNodesOptions {
  informers: Informers;
  coverage: Coverage;
  /** A node came, went, or is ready now or no more: any Service may concern it. */
  changed(): void;
  /** Every node that counts has this Service now. */
  covered(key: string): void;
}

export interface NodesFollowed {
  /** Names, sorted. */
  ready(): string[];
  stop(): void;
}

/** Reports of nodes are gathered for so long. */
const reportMs = 10;

const isReady = (n: Node): boolean =>
  n.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

export function followNodes({ informers, coverage, changed, covered }: FollowNodesOptions): NodesFollowed {
  const nodes = informers.of(nodesRef);
  let reporting: NodeJS.Timeout | undefined;
  const ready = (): string[] =>
    nodes
      .list()
      .filter(isReady)
      .map((n) => n.metadata.name!)
      .sort();
  function reported(): void {
    reporting ??= setTimeout(() => {
      reporting = undefined;
      for (const key of coverage.takeCovered()) covered(key);
    }, reportMs);
  }
  function nodesChanged(): void {
    coverage.setNodes(ready());
    changed();
    reported();
  }
  nodes.on({
    added: nodesChanged,
    updated(node, old) {
      if (isReady(node) !== isReady(old)) nodesChanged();
    },
    deleted(node) {
      coverage.forgetNode(node.metadata.name!);
      nodesChanged();
    },
  });
  const heard = (lease: Lease): void => {
    const node = nodeOfProgress(lease);
    const progress = node === undefined ? undefined : parseProgress(lease.metadata.annotations);
    if (node === undefined || !progress) return;
    coverage.progress(node, progress);
    reported();
  };
  informers.of(leasesRef).on({ added: heard, updated: heard });
  return { ready, stop: () => clearTimeout(reporting) };
}
