// The CronJob controller.
import { cronJobs as cronJobsRef, jobs as jobsRef } from "../../../core/api/refs.ts";
import { isAlreadyExists } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { CronJob, Job } from "../../../core/api/types.ts";
import { isNamespaceTerminating, type StartController } from "../context.ts";
import { createKindLoop } from "../kind-loop.ts";
import {
  controllerOf,
  controllerRefTo,
  createPendingDeletions,
  indexByController,
  ownedBy,
} from "../ownership/mod.ts";
import { decideCron, endOf, isActive, isUnexpected, scheduledAnnotation } from "./decide.ts";

/** Timers fire a little early now and then. */
const afterMs = 20;

export const startCronJobs: StartController = (context) => {
  const { client, informers, now } = context;
  const jobs = informers.of(jobsRef);
  indexByController(jobs);
  const leaving = createPendingDeletions({ client, ref: jobsRef, informer: jobs }, now);
  const loop = createKindLoop(context, { ref: cronJobsRef, component: "cronjob-controller", reconcile });
  const { objects: crons, queue, say } = loop;

  const jobChanged = (job: Job): void => {
    const owner = controllerOf(job);
    if (owner?.kind === "CronJob") queue.add(`${job.metadata.namespace}/${owner.name}`);
  };
  jobs.on({ added: jobChanged, updated: jobChanged, deleted: jobChanged });

  function jobFor(cron: CronJob, due: number): Job {
    const template = cron.spec!.jobTemplate;
    const { labels, annotations } = template.metadata ?? {};
    return {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: `${cron.metadata.name}-${Math.floor(due / 60_000)}`,
        namespace: cron.metadata.namespace!,
        ...(labels ? { labels } : {}),
        annotations: { ...annotations, [scheduledAnnotation]: timestamp(due) },
        ownerReferences: [controllerRefTo(cronJobsRef, cron)],
      },
      spec: structuredClone(template.spec!),
    };
  }

  async function remove(cron: CronJob, job: Job): Promise<void> {
    if (await leaving.remove(job, { propagationPolicy: "Background" }))
      say(cron, "Normal", "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
  }

  /** Makes the Job of that moment; it may be there already when the status could not be written last time. */
  async function run(cron: CronJob, due: number): Promise<boolean> {
    const job = jobFor(cron, due);
    try {
      jobs.wrote(await client.create<Job>(jobsRef, job, { namespace: cron.metadata.namespace }));
      say(cron, "Normal", "SuccessfulCreate", `Created job ${job.metadata.name}`);
      return true;
    } catch (error) {
      if (isNamespaceTerminating(error)) return false;
      if (isAlreadyExists(error)) return true;
      say(cron, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
      throw error;
    }
  }

  const mine = (cron: CronJob): Job[] => ownedBy(jobs, cron).filter((j) => !leaving.has(j));

  async function reconcile(key: string): Promise<void> {
    const cron = crons.get(key);
    if (!cron) return;
    const step = decideCron(cron, mine(cron), now());
    if (step.recheckMs !== undefined) queue.add(key, step.recheckMs + afterMs);
    for (const job of mine(cron)) {
      if (isUnexpected(job))
        say(
          cron,
          "Warning",
          "UnexpectedJob",
          `Saw a job that the controller did not create or forgot: ${job.metadata.name}`,
        );
      const end = endOf(job);
      if (end && cron.status?.active?.some((a) => a.uid === job.metadata.uid))
        say(cron, "Normal", "SawCompletedJob", `Saw completed job: ${job.metadata.name}, condition: ${end}`);
    }
    for (const { namespace, name, uid } of cron.status?.active ?? [])
      if (jobs.get(`${namespace}/${name}`)?.metadata.uid !== uid)
        say(cron, "Normal", "MissingJob", `Active job went missing: ${name}`);
    let scheduled: number | undefined;
    if (step.tooManyMissed)
      say(
        cron,
        "Warning",
        "TooManyMissedTimes",
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
      );
    if (step.due !== undefined && step.held === "running")
      say(
        cron,
        "Normal",
        "JobAlreadyActive",
        "Not starting job because prior execution is running and concurrency policy is Forbid",
      );
    else if (step.due !== undefined && step.held === undefined) {
      await Promise.all(step.replace.map((j) => remove(cron, j)));
      if (await run(cron, step.due)) scheduled = step.due;
    }
    await writeStatus(key, cron, scheduled);
    // Only now: the status has noted what they were.
    await Promise.all(step.expired.map((j) => remove(cron, j)));
  }

  async function writeStatus(key: string, cron: CronJob, scheduled: number | undefined): Promise<void> {
    const active = mine(cron)
      .filter(isActive)
      .map((j) => ({
        apiVersion: "batch/v1",
        kind: "Job",
        namespace: j.metadata.namespace!,
        name: j.metadata.name!,
        uid: j.metadata.uid!,
        resourceVersion:
          cron.status?.active?.find((a) => a.uid === j.metadata.uid)?.resourceVersion ??
          j.metadata.resourceVersion!,
      }));
    const ends = mine(cron)
      .filter((j) => endOf(j) === "Complete" && j.status?.completionTime)
      .map((j) => String(j.status!.completionTime));
    const lastSuccess = [...ends, String(cron.status?.lastSuccessfulTime ?? "")].sort().at(-1);
    const lastSchedule = scheduled === undefined ? cron.status?.lastScheduleTime : timestamp(scheduled);
    const status = {
      ...(active.length > 0 ? { active } : {}),
      ...(lastSchedule ? { lastScheduleTime: lastSchedule } : {}),
      ...(lastSuccess ? { lastSuccessfulTime: lastSuccess } : {}),
    };
    if (crons.get(key)?.metadata.uid !== cron.metadata.uid) return;
    await loop.writeStatus(cron, status as NonNullable<CronJob["status"]>);
  }

  return loop.run;
};
