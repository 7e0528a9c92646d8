import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { cronJobs, events, jobs } from "../../../core/api/refs.ts";
import type { CronJob, Job } from "../../../core/api/types.ts";
import { startGarbageCollector } from "../garbagecollector/mod.ts";
import { decideCron, isActive, isUnexpected } from "./decide.ts";
import { startCronJobs } from "./mod.ts";

const template = {
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "x" }] } } },
};
function cron(schedule: string, more: object = {}, lastScheduleTime?: string): CronJob {
  return {
    metadata: { name: "tick", namespace: "default", uid: "cron", creationTimestamp: "2030-01-01T00:00:30Z" },
    spec: { schedule, jobTemplate: template, ...more },
    status: lastScheduleTime ? { lastScheduleTime } : {},
  } as never;
}
function job(name: string, end?: "Complete" | "Failed", startTime = "2030-01-01T00:00:00Z"): Job {
  const conditions = end ? [{ type: end, status: "True" }] : [];
  const annotations = { "batch.kubernetes.io/cronjob-scheduled-timestamp": startTime };
  return { metadata: { name, uid: name, annotations }, spec: {}, status: { startTime, conditions } } as never;
}
const at = (time: string): number => Date.parse(time);

test("what is due", async (t) => {
  const rows: [string, CronJob, string, string | undefined, string | undefined][] = [
    ["nothing yet", cron("* * * * *"), "2030-01-01T00:00:59Z", undefined, undefined],
    ["the first run", cron("* * * * *"), "2030-01-01T00:01:00Z", "2030-01-01T00:01:00Z", undefined],
    [
      "not twice",
      cron("* * * * *", {}, "2030-01-01T00:01:00Z"),
      "2030-01-01T00:01:30Z",
      undefined,
      undefined,
    ],
    [
      "only the latest of several missed",
      cron("* * * * *"),
      "2030-01-01T00:10:30Z",
      "2030-01-01T00:10:00Z",
      undefined,
    ],
    [
      "only the latest of very many",
      cron("* * * * *", {}, "2020-01-01T00:00:00Z"),
      "2030-01-01T00:10:30Z",
      "2030-01-01T00:10:00Z",
      undefined,
    ],
    [
      "missed by more than the deadline",
      cron("0 * * * *", { startingDeadlineSeconds: 60 }),
      "2030-01-01T01:05:00Z",
      undefined,
      undefined,
    ],
    ["suspended", cron("* * * * *", { suspend: true }), "2030-01-01T00:10:00Z", undefined, undefined],
  ];
  for (const [name, c, now, due, held] of rows)
    await t.test(name, () => {
      const step = decideCron(c, [], at(now));
      assert.deepEqual([step.due, step.held], [due === undefined ? undefined : at(due), held]);
    });
});

test("a run that is still going: allowed, forbidden, replaced", () => {
  const now = at("2030-01-01T00:01:00Z");
  const running = [job("a"), job("b", "Complete")];
  const decide = (concurrencyPolicy: string) => {
    const { held, replace } = decideCron(cron("* * * * *", { concurrencyPolicy }), running, now);
    return [held, replace.map((j) => j.metadata.name)];
  };
  assert.deepEqual(decide("Allow"), [undefined, []]);
  assert.deepEqual(decide("Forbid"), ["running", []]);
  assert.deepEqual(decide("Replace"), [undefined, ["a"]]);
  delete running[0]!.metadata.annotations;
  assert.deepEqual(decide("Forbid"), [undefined, []], "made by hand: it does not count");
  assert.deepEqual([running.filter(isActive), running.filter(isUnexpected)], [[], [running[0]]]);
});

test("history is kept within its limits, the newest stay", () => {
  const ended = [
    job("a", "Complete", "2030-01-01T00:00:03Z"),
    job("b", "Complete", "2030-01-01T00:00:01Z"),
    job("c", "Failed", "2030-01-01T00:00:02Z"),
    job("d"),
  ];
  const limits = { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0, suspend: true };
  const { expired } = decideCron(cron("* * * * *", limits), ended, at("2030-01-01T00:01:00Z"));
  assert.deepEqual(
    expired.map((j) => j.metadata.name),
    ["b", "c"],
  );
});

test("makes a Job of that minute, notes it, and forgets it when it is complete", async (t) => {
  let skew = 0;
  const namespace = "default";
  const { client, log } = await startApiRig(t, [startCronJobs, startGarbageCollector], {
    now: () => Date.now() + skew,
  });
  const spec = { schedule: "* * * * *", jobTemplate: template, successfulJobsHistoryLimit: 0 };
  const made = await client.create<CronJob>(cronJobs, { metadata: { name: "tick" }, spec } as never, {
    namespace,
  });
  assert.equal((await client.list(jobs, { namespace })).items.length, 0);
  skew = 61_000;
  await client.patch(cronJobs, "tick", { metadata: { labels: { poke: "x" } } }, { namespace, type: "merge" });
  await eventually(async () => {
    const { status } = await client.get(cronJobs, "tick", { namespace });
    assert.equal(status?.active?.length, 1);
    assert.ok(status?.lastScheduleTime);
  });
  const [one] = (await client.list(jobs, { namespace })).items;
  assert.match(one!.metadata.name!, /^tick-\d+$/);
  assert.equal(one!.metadata.ownerReferences![0]!.uid, made.metadata.uid);
  const conditions = [{ type: "Complete", status: "True", lastTransitionTime: "2030-01-01T00:00:00Z" }];
  const done = {
    status: { conditions, completionTime: "2030-01-01T00:00:00Z", startTime: "2030-01-01T00:00:00Z" },
  };
  await client.patch(jobs, one!.metadata.name!, done, { namespace, type: "merge", subresource: "status" });
  await eventually(async () => {
    assert.equal((await client.list(jobs, { namespace })).items.length, 0);
    const { status } = await client.get(cronJobs, "tick", { namespace });
    assert.deepEqual([status?.active, status?.lastSuccessfulTime], [undefined, "2030-01-01T00:00:00Z"]);
  });
  assert.deepEqual(
    log.filter((l) => l.level !== "debug"),
    [],
  );
});

test("a Job that somebody deleted leaves the active list, and an event says so", async (t) => {
  let skew = 0;
  const namespace = "default";
  const { client } = await startApiRig(t, [startCronJobs, startGarbageCollector], {
    now: () => Date.now() + skew,
  });
  const spec = { schedule: "0 0 1 1 *", jobTemplate: template };
  await client.create<CronJob>(cronJobs, { metadata: { name: "tick" }, spec } as never, { namespace });
  skew = 370 * 86_400_000;
  await client.patch(cronJobs, "tick", { metadata: { labels: { poke: "x" } } }, { namespace, type: "merge" });
  const active = async () => (await client.get(cronJobs, "tick", { namespace })).status?.active ?? [];
  const name = await eventually(async () => {
    const [one] = await active();
    assert.ok(one);
    return one.name!;
  });
  await client.delete(jobs, name, { namespace, propagationPolicy: "Background" });
  await eventually(async () => {
    assert.deepEqual(await active(), []);
    const said = (await client.list(events, { namespace })).items.filter((e) => e.reason === "MissingJob");
    assert.deepEqual(
      said.map((e) => [e.type, e.message, e.count ?? 1]),
      [["Normal", `Active job went missing: ${name}`, 1]],
    );
  });
});
