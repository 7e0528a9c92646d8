// The DaemonSet controller.
import { daemonSets as daemonSetsRef, nodes as nodesRef } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { DaemonSet, Pod } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import type { StartController } from "../context.ts";
import { ownedBy } from "../ownership/mod.ts";
import { createPodOwner } from "../pod-owner.ts";
import { createRevisions, revisionHashLabel } from "../revisions/mod.ts";
import { sameJson } from "../same-json.ts";
import { firstFailure } from "../settled.ts";
import { daemonTolerations, decideDaemons, withNodeAffinity } from "./decide.ts";

const firstPauseMs = 1000;
const maxPauseMs = 15 * 60_000;

export const startDaemonSets: StartController = (context) => {
  const { informers, now } = context;
  const nodes = informers.of(nodesRef);
  const revisions = createRevisions(context, daemonSetsRef);
  const failures = new Map<string, { at: number; pauseMs: number }>();
  const loop = createPodOwner(context, {
    ref: daemonSetsRef,
    component: "daemonset-controller",
    matches: (ds, pod) => labelSelectorMatches(ds.spec?.selector, pod.metadata.labels),
    reconcile,
  });
  const { objects: daemonSets, pods, queue, say, writeStatus } = loop;

  const all = (): void => {
    for (const ds of daemonSets.list()) loop.add(ds);
  };
  nodes.on({
    added: all,
    updated(node, old) {
      if (!sameJson([node.metadata.labels, node.spec], [old.metadata.labels, old.spec])) all();
    },
    deleted: all,
  });

  function podOn(ds: DaemonSet, node: string, hash: string): Pod {
    const pod = loop.blank(ds, ds.spec!.template);
    pod.metadata.labels = { ...pod.metadata.labels, [revisionHashLabel]: hash };
    pod.spec!.tolerations = daemonTolerations(ds);
    return withNodeAffinity(pod, node);
  }

  /** A daemon that keeps failing on a node is replaced there with growing pauses. */
  function mayReplace(key: string, pod: Pod): boolean {
    const place = `${key} ${pod.spec?.nodeName}`;
    const last = failures.get(place);
    if (last && now() - last.at < last.pauseMs) {
      queue.add(key, last.at + last.pauseMs - now());
      return false;
    }
    const forgotten = !last || now() - last.at > 2 * maxPauseMs;
    failures.set(place, {
      at: now(),
      pauseMs: forgotten ? firstPauseMs : Math.min(2 * last.pauseMs, maxPauseMs),
    });
    return true;
  }

  function sayEnded(ds: DaemonSet, pod: Pod): void {
    const failed = pod.status?.phase === "Failed";
    const who = `daemon pod ${objectKey(pod)} on node ${pod.spec?.nodeName}`;
    if (failed) say(ds, "Warning", "FailedDaemonPod", `Found failed ${who}, will try to kill it`);
    else say(ds, "Normal", "SucceededDaemonPod", `Found succeeded ${who}, will try to delete it`);
  }

  async function reconcile(key: string): Promise<void> {
    const found = daemonSets.get(key);
    if (!found) {
      for (const place of failures.keys()) if (place.startsWith(`${key} `)) failures.delete(place);
      return;
    }
    await loop.settle(found);
    if (found.metadata.deletionTimestamp) return;
    const revision = await revisions.sync(found, found.spec!.template);
    if (revision === "collided") {
      const collisionCount = (found.status?.collisionCount ?? 0) + 1;
      await writeStatus(found, { ...found.status!, collisionCount });
      return;
    }
    const ds = daemonSets.get(key);
    if (!ds || ds.metadata.uid !== found.metadata.uid) return;
    const hash = revision.metadata.labels![revisionHashLabel]!;
    const decide = () =>
      decideDaemons({
        ds,
        nodes: nodes.list(),
        pods: loop.mine(ds),
        hash,
        nowMs: now(),
        leaving: loop.leaving.has,
      });
    const step = decide();
    const ended = step.ended.filter((pod) => mayReplace(key, pod));
    for (const pod of ended) sayEnded(ds, pod);
    const targets = [...step.create];
    const failure = await firstFailure([
      ...[...step.remove, ...ended].map((p) => loop.remove(ds, p)),
      loop.create(ds, targets.length, () => podOn(ds, targets.shift()!, hash)),
    ]);
    const { status, recheckMs } = decide();
    await writeStatus(ds, status);
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    if (failure !== undefined) throw failure;
    const used = new Set(ownedBy(pods, ds).map((p) => p.metadata.labels?.[revisionHashLabel]));
    await revisions.truncate(
      ds,
      ds.spec!.revisionHistoryLimit ?? 10,
      (r) => r.metadata.uid === revision.metadata.uid || used.has(r.metadata.labels?.[revisionHashLabel]),
    );
  }

  return loop.run;
};
