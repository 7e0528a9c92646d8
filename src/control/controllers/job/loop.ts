// The Job controller: runs pods until enough have succeeded, counts each exactly once, and cleans up after itself.
import { jobs as jobsRef, pods as podsRef } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Container, Job, Pod } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { controllerOf, ownedBy } from "../ownership/mod.ts";
import { createPodOwner } from "../pod-owner.ts";
import { firstFailure } from "../settled.ts";
import { decideJob, isFinished, type JobStep } from "./decide.ts";
import { indexKey } from "./indexes.ts";
import { failureCountKey } from "./policies.ts";
import { isTracked, trackingFinalizer } from "./tally.ts";

const component = "job-controller";
/** What spec.managedBy says of Jobs that are this controller's. */
const itself = "kubernetes.io/job-controller";

export const startJobs: StartController = (context) => {
  const { client, now } = context;
  /** Pods that are nobody's any more: what was held for a Job is held no longer. */
  const orphans = controllerQueue(context, component, {
    async work(key) {
      const pod = pods.get(key);
      if (pod && !controllerOf(pod)) await untrack(pod);
    },
  });
  const loop = createPodOwner(context, {
    ref: jobsRef,
    component,
    matches: (job, pod) => labelSelectorMatches(job.spec?.selector, pod.metadata.labels),
    orphaned(pod) {
      if (isTracked(pod)) orphans.add(objectKey(pod));
    },
    reconcile,
  });
  const { objects: jobs, pods, leaving, queue, say } = loop;

  async function untrack(pod: Pod): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const latest = pods.get(objectKey(pod));
    if (!latest || latest.metadata.uid !== uid || !isTracked(latest)) return;
    const finalizers = latest.metadata.finalizers!.filter((f) => f !== trackingFinalizer);
    const { resourceVersion } = latest.metadata;
    try {
      const patch = { metadata: { uid, resourceVersion, finalizers } };
      pods.wrote(await client.patch(podsRef, name!, patch, { namespace, type: "merge" }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The pods of a Job that is gone, or on its way, are let go. */
  async function letGo(key: string, job: Job | undefined): Promise<void> {
    const [namespace = ""] = key.split("/");
    const name = key.slice(namespace.length + 1);
    const left = pods.byIndex("namespace", namespace).filter((p) => {
      const owner = controllerOf(p);
      return owner?.kind === "Job" && owner.name === name && owner.uid !== job?.metadata.uid && isTracked(p);
    });
    await Promise.all(left.map(untrack));
  }

  function podOf(job: Job, slot: JobStep["indexes"][number] | undefined): Pod {
    const index = slot?.index;
    const pod = loop.blank(job, job.spec!.template);
    const { metadata } = pod;
    metadata.finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
    if (slot === undefined) return pod;
    metadata.generateName = `${job.metadata.name}-${index}-`;
    metadata.annotations = { ...metadata.annotations, [indexKey]: String(index) };
    if (job.spec!.backoffLimitPerIndex != null) metadata.annotations[failureCountKey] = String(slot.failures);
    metadata.labels = { ...metadata.labels, [indexKey]: String(index) };
    const spec = pod.spec!;
    spec.hostname ??= `${job.metadata.name}-${index}`;
    const env = {
      name: "JOB_COMPLETION_INDEX",
      valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } },
    };
    const withIndex = (c: Container): Container =>
      c.env?.some((e) => e.name === env.name) ? c : { ...c, env: [...(c.env ?? []), env] };
    spec.containers = spec.containers.map(withIndex);
    if (spec.initContainers) spec.initContainers = spec.initContainers.map(withIndex);
    return pod;
  }

  async function remove(job: Job, pod: Pod, fails: boolean): Promise<void> {
    if (!fails) await untrack(pod);
    await loop.remove(job, pod);
  }

  async function reconcile(key: string): Promise<void> {
    const job = jobs.get(key);
    await letGo(key, job);
    if (!job) return;
    if (job.metadata.deletionTimestamp) {
      await Promise.all(ownedBy(pods, job).map(untrack));
      return;
    }
    if ((job.spec!.managedBy ?? itself) !== itself) return expire(job, key);
    await loop.settle(job);
    const latest = jobs.get(key);
    if (!latest || latest.metadata.uid !== job.metadata.uid) return;
    const step = decideJob(latest, loop.mine(latest), {
      nowMs: now(),
      time: timestamp(now()),
      leaving: leaving.has,
    });
    const written = await carryOut(latest, step);
    if (step.recheckMs !== undefined) queue.add(key, step.recheckMs + 1);
    await expire(written, key);
  }

  /** The status goes first: what it has noted may lose its finalizer, what it has not may not. */
  async function carryOut(job: Job, step: JobStep): Promise<Job> {
    const latest = await loop.writeStatus(job, step.status);
    for (const e of step.events) say(job, e.type, e.reason, e.message);
    const indexes = [...step.indexes];
    const failure = await firstFailure([
      ...step.release.map(untrack),
      ...step.remove.map((p) => remove(job, p, step.removedFail)),
      loop.create(job, step.create, () => podOf(job, indexes.shift())),
    ]);
    if (failure !== undefined) throw failure;
    // Released pods are counted in the next look.
    if (step.release.length > 0) queue.add(objectKey(job));
    return latest;
  }

  /** spec.ttlSecondsAfterFinished: a finished Job goes by itself. */
  async function expire(job: Job, key: string): Promise<void> {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    if (ttl == null || !isFinished(job)) return;
    const end = job.status!.conditions!.find((c) => c.type === "Complete" || c.type === "Failed")!;
    const wait = Date.parse(end.lastTransitionTime ?? "") + ttl * 1000 - now();
    if (wait > 0) return queue.add(key, wait);
    const { name, namespace, uid } = job.metadata;
    try {
      await client.delete(jobsRef, name!, {
        namespace,
        propagationPolicy: "Foreground",
        preconditions: { uid: uid! },
      });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  return async (signal) => {
    await Promise.all([loop.run(signal), orphans.run(signal)]);
  };
};
