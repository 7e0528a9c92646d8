// Which Services every ready node's kernel has: compares the revisions that a Service and its slices are at with the revisions
// that the nodes' proxies say they have programmed. Holds only Services that some node is still behind with.
import { type Progress, slowest } from "../../../core/network/mod.ts";

export interface Coverage {
  /** The Service, or its slices, are at that revision now. */
  changed(key: string, what: "services" | "slices", revision: number): void;
  forget(key: string): void;
  /** How far a node says it is. */
  progress(node: string, progress: Progress): void;
  forgetNode(node: string): void;
  /** The nodes that count. */
  setNodes(ready: readonly string[]): void;
  isCovered(key: string): boolean;
  /** Nodes that are behind with it and have not moved for `stuckMs`, while it has waited as long. */
  stuckNodes(key: string): string[];
  /** Services that have become covered since the last call. */
  takeCovered(): string[];
  /** Services that wait for a stuck node, the longest waiting first; each again after half a minute. */
  overdue(): string[];
  readonly waiting: number;
}

export interface CoverageOptions {
  /** Milliseconds. */
  now(): number;
  stuckMs: number;
}

interface Need extends Progress {
  since: number;
  /** When it was last told as overdue. */
  toldAt?: number;
}
interface Node {
  progress: Progress;
  movedAt: number;
}

const againMs = 30_000;
const nothing: Progress = { services: 0, slices: 0 };
const covers = (p: Progress, need: Progress): boolean =>
  p.services >= need.services && p.slices >= need.slices;

export function createCoverage({ now, stuckMs }: CoverageOptions): Coverage {
  /** In the order in which they began to wait. */
  const needs = new Map<string, Need>();
  const nodes = new Map<string, Node>();
  let counting: readonly string[] = [];

  const nodeOf = (name: string): Node => {
    const node = nodes.get(name) ?? { progress: nothing, movedAt: now() };
    nodes.set(name, node);
    return node;
  };
  const least = (): Progress =>
    counting.length > 0 ? slowest(counting.map((n) => nodeOf(n).progress)) : nothing;

  function stuckNodes(key: string): string[] {
    const need = needs.get(key);
    const at = now();
    if (!need || at - need.since < stuckMs) return [];
    return counting.filter((name) => {
      const { progress, movedAt } = nodeOf(name);
      return !covers(progress, need) && at - movedAt >= stuckMs;
    });
  }

  return {
    changed(key, what, revision) {
      const old = needs.get(key);
      // A node's report may be heard before the change that it is about.
      if (!old && counting.length > 0 && least()[what] >= revision) return;
      if (!old) needs.set(key, { ...nothing, [what]: revision, since: now() });
      else needs.set(key, { ...old, [what]: Math.max(old[what], revision) });
    },
    forget: (key) => void needs.delete(key),
    progress(name, progress) {
      const node = nodeOf(name);
      if (covers(node.progress, progress) && covers(progress, node.progress)) return;
      node.progress = progress;
      node.movedAt = now();
    },
    forgetNode: (name) => void nodes.delete(name),
    setNodes(ready) {
      counting = ready;
    },
    isCovered: (key) => !needs.has(key) && counting.length > 0,
    stuckNodes,
    takeCovered() {
      const reached = least();
      const out: string[] = [];
      for (const [key, need] of needs)
        if (covers(reached, need)) {
          needs.delete(key);
          out.push(key);
        }
      return out;
    },
    overdue() {
      const at = now();
      const out: string[] = [];
      for (const [key, need] of needs) {
        if (at - need.since < stuckMs) break;
        if (at - (need.toldAt ?? Number.NEGATIVE_INFINITY) < againMs || stuckNodes(key).length === 0)
          continue;
        need.toldAt = at;
        out.push(key);
      }
      return out;
    },
    get waiting() {
      return needs.size;
    },
  };
}
