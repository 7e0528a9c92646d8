// The DaemonSet controller.
import { daemonSets as daemonSetsRef, nodes as nodesRef, pods as podsRef } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { DaemonSet, Pod } from "../../../core/api/types.ts";
import { eventSubject, objectKey } from "../../client/mod.ts";
import {
  controllerQueue,
  controllerRecorder,
  isNamespaceTerminating,
  type StartController,
} from "../context.ts";
import {
  controllerRefTo,
  createPendingDeletions,
  indexByController,
  ownedBy,
  settleClaims,
  wakeOwners,
} from "../ownership/mod.ts";
import { podFromTemplate } from "../pods/mod.ts";
import { createRevisions, revisionHashLabel } from "../revisions/mod.ts";
import { sameJson } from "../same-json.ts";
import { slowStart } from "../slow-start.ts";
import { daemonTolerations, decideDaemons, withNodeAffinity } from "./decide.ts";

const component = "daemonset-controller";
const firstPauseMs = 1000;
const maxPauseMs = 15 * 60_000;

export const startDaemonSets: StartController = (context) => {
  const { client, informers, now } = context;
  const daemonSets = informers.of(daemonSetsRef);
  const nodes = informers.of(nodesRef);
  const pods = informers.of(podsRef);
  indexByController(pods);
  const recorder = controllerRecorder(context, component);
  const revisions = createRevisions(context, daemonSetsRef);
  const failures = new Map<string, { at: number; pauseMs: number }>();
  const leaving = createPendingDeletions({ client, ref: podsRef, informer: pods }, now);
  const queue = controllerQueue(context, component, { work: reconcile });

  const add = (ds: DaemonSet): void => queue.add(objectKey(ds));
  daemonSets.on({ added: add, updated: add, deleted: add });
  wakeOwners(
    {
      dependents: pods,
      owners: daemonSets,
      kind: "DaemonSet",
      matches: (ds, pod) => labelSelectorMatches(ds.spec?.selector, pod.metadata.labels),
    },
    queue.add,
  );
  const all = (): void => {
    for (const ds of daemonSets.list()) add(ds);
  };
  nodes.on({
    added: all,
    updated(node, old) {
      if (!sameJson([node.metadata.labels, node.spec], [old.metadata.labels, old.spec])) all();
    },
    deleted: all,
  });

  const say = (ds: DaemonSet, type: "Normal" | "Warning", reason: string, message: string): void =>
    recorder.record(eventSubject(daemonSetsRef, ds), { type, reason, message });

  async function create(ds: DaemonSet, node: string, hash: string): Promise<void> {
    const pod = podFromTemplate(ds.spec!.template, {
      ownerName: ds.metadata.name!,
      ownerReference: controllerRefTo(daemonSetsRef, ds),
    });
    pod.metadata.labels = { ...pod.metadata.labels, [revisionHashLabel]: hash };
    pod.spec!.tolerations = daemonTolerations(ds);
    try {
      const made = await client.create<Pod>(podsRef, withNodeAffinity(pod, node), {
        namespace: ds.metadata.namespace,
      });
      pods.wrote(made);
      say(ds, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata.name}`);
    } catch (error) {
      if (!isNamespaceTerminating(error))
        say(ds, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  async function remove(ds: DaemonSet, pod: Pod): Promise<void> {
    if (await leaving.remove(pod)) say(ds, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
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
    const matches = (pod: Pod): boolean => labelSelectorMatches(found.spec?.selector, pod.metadata.labels);
    await settleClaims({ client, ref: podsRef, informer: pods, ownerRef: daemonSetsRef }, found, matches);
    if (found.metadata.deletionTimestamp) return;
    const revision = await revisions.sync(found, found.spec!.template);
    if (revision === "collided") {
      const status = { ...found.status!, collisionCount: (found.status?.collisionCount ?? 0) + 1 };
      daemonSets.wrote(await client.update(daemonSetsRef, { ...found, status }, { subresource: "status" }));
      return;
    }
    const ds = daemonSets.get(key);
    if (!ds || ds.metadata.uid !== found.metadata.uid) return;
    const hash = revision.metadata.labels![revisionHashLabel]!;
    const decide = () =>
      decideDaemons({
        ds,
        nodes: nodes.list(),
        pods: ownedBy(pods, ds).filter(matches),
        hash,
        nowMs: now(),
        leaving: leaving.has,
      });
    const step = decide();
    const ended = step.ended.filter((pod) => mayReplace(key, pod));
    for (const pod of ended) sayEnded(ds, pod);
    const targets = [...step.create];
    const results = await Promise.allSettled([
      ...[...step.remove, ...ended].map((p) => remove(ds, p)),
      slowStart(targets.length, () => create(ds, targets.shift()!, hash)).then(({ error }) => {
        if (error !== undefined && !isNamespaceTerminating(error)) throw error;
      }),
    ]);
    const { status, recheckMs } = decide();
    if (!sameJson(ds.status, status))
      daemonSets.wrote(await client.update(daemonSetsRef, { ...ds, status }, { subresource: "status" }));
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    const failed = results.find((r) => r.status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const used = new Set(ownedBy(pods, ds).map((p) => p.metadata.labels?.[revisionHashLabel]));
    await revisions.truncate(
      ds,
      ds.spec!.revisionHistoryLimit ?? 10,
      (r) => r.metadata.uid === revision.metadata.uid || used.has(r.metadata.labels?.[revisionHashLabel]),
    );
  }

  return (signal) => queue.run(signal);
};
