import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { events, jobs, pods } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { Job, JobSpec, Pod } from "../../../core/api/types.ts";
import type { KubeClient } from "../../client/mod.ts";
import { startGarbageCollector } from "../garbagecollector/mod.ts";
import { startServiceAccounts } from "../serviceaccount/mod.ts";
import { parseIndexes, printIndexes } from "./indexes.ts";
import { startJobs } from "./mod.ts";

const namespace = "default";
const starts = [startJobs, startServiceAccounts, startGarbageCollector];

test("indexes as text", async (t) => {
  for (const [text, indexes] of [
    ["", []],
    ["0", [0]],
    ["0,1", [0, 1]],
    ["0-2,5,7,8", [0, 1, 2, 5, 7, 8]],
  ] as [string, number[]][])
    await t.test(text, () => {
      assert.equal(printIndexes(indexes), text);
      assert.deepEqual([...parseIndexes(text)], indexes);
    });
});

async function create(client: KubeClient, spec: Partial<JobSpec>): Promise<Job> {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox" }] } };
  return client.create<Job>(jobs, { metadata: { name: "work" }, spec: { template, ...spec } } as never, {
    namespace,
  });
}
const get = (client: KubeClient): Promise<Job> => client.get(jobs, "work", { namespace });
const live = async (client: KubeClient): Promise<Pod[]> =>
  (await client.list(pods, { namespace })).items.filter(
    (p) => !["Succeeded", "Failed"].includes(p.status?.phase ?? "") && !p.metadata.deletionTimestamp,
  );
async function end(
  client: KubeClient,
  pod: Pod,
  phase: "Succeeded" | "Failed",
  agoMs = 0,
  exitCode = phase === "Failed" ? 1 : 0,
): Promise<void> {
  const finishedAt = new Date(Date.now() - agoMs).toISOString();
  const containerStatuses = [
    {
      name: "c",
      image: "",
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, finishedAt } },
    },
  ];
  const patch = { status: { phase, containerStatuses } };
  await client.patch(pods, pod.metadata.name!, patch, { namespace, type: "merge", subresource: "status" });
}
const conditions = (job: Job): string[] =>
  (job.status?.conditions ?? []).map((c) => `${c.type}=${c.status} ${c.reason}`);
const liveCount = (client: KubeClient, n: number): Promise<void> =>
  eventually(async () => assert.equal((await live(client)).length, n));

test("runs until enough have succeeded, and counts pods that are deleted once they ended", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { completions: 3, parallelism: 2 });
  await liveCount(client, 2);
  const [first, second] = await live(client);
  assert.equal(first!.metadata.labels!["batch.kubernetes.io/job-name"], "work");
  await end(client, first!, "Succeeded");
  await client.delete(pods, first!.metadata.name!, { namespace, gracePeriodSeconds: 0 });
  await eventually(async () => assert.equal((await get(client)).status?.succeeded, 1));
  await liveCount(client, 2);
  const third = (await live(client)).find((p) => p.metadata.name !== second!.metadata.name)!;
  await end(client, second!, "Succeeded");
  await end(client, third, "Succeeded");
  await eventually(async () => {
    const job = await get(client);
    assert.deepEqual(conditions(job), [
      "SuccessCriteriaMet=True CompletionsReached",
      "Complete=True CompletionsReached",
    ]);
    assert.deepEqual(
      [job.status?.succeeded, job.status?.active, job.status?.uncountedTerminatedPods],
      [3, undefined, {}],
    );
    assert.ok(job.status?.startTime && job.status.completionTime);
  });
  await eventually(async () => {
    const said = (await client.list(events, { namespace })).items.map((e) => e.message!);
    assert.ok(said.some((m) => m.startsWith("Created pod: work-")));
    assert.ok(said.includes("Job completed"));
  });
});

test("gives up after the back-off limit", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { backoffLimit: 1 });
  for (const ago of [60_000, 60_000]) {
    await liveCount(client, 1);
    await end(client, (await live(client))[0]!, "Failed", ago);
  }
  await eventually(async () => {
    const job = await get(client);
    assert.deepEqual(conditions(job), [
      "FailureTarget=True BackoffLimitExceeded",
      "Failed=True BackoffLimitExceeded",
    ]);
    assert.equal(job.status?.failed, 2);
  });
});

test("a failure is followed by a pause", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, {});
  await liveCount(client, 1);
  await end(client, (await live(client))[0]!, "Failed");
  await eventually(async () => assert.equal((await get(client)).status?.failed, 1));
  await new Promise((r) => setTimeout(r, 50));
  assert.equal((await live(client)).length, 0);
});

test("an Indexed Job gives each pod its index and counts indexes, not pods", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { completions: 3, parallelism: 3, completionMode: "Indexed" });
  await liveCount(client, 3);
  const all = await live(client);
  assert.deepEqual(all.map((p) => p.spec!.hostname).sort(), ["work-0", "work-1", "work-2"]);
  assert.ok(all.every((p) => p.spec!.containers[0]!.env!.some((e) => e.name === "JOB_COMPLETION_INDEX")));
  for (const p of all) await end(client, p, "Succeeded");
  await eventually(async () => {
    const { status } = await get(client);
    assert.deepEqual([status?.completedIndexes, status?.succeeded], ["0-2", 3]);
    assert.equal(status?.conditions?.at(-1)?.type, "Complete");
  });
});

test("suspended it has no pods and no failures; resumed it has", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { parallelism: 2 });
  await liveCount(client, 2);
  await client.patch(jobs, "work", { spec: { suspend: true } }, { namespace, type: "merge" });
  await eventually(async () => {
    assert.equal((await client.list(pods, { namespace })).items.length, 0);
    assert.deepEqual(conditions(await get(client)), ["Suspended=True JobSuspended"]);
  });
  assert.equal((await get(client)).status?.failed, undefined);
  await client.patch(jobs, "work", { spec: { suspend: false } }, { namespace, type: "merge" });
  await liveCount(client, 2);
});

test("a Job of another controller is left alone, of this one by name is not", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { parallelism: 2, managedBy: "example.com/other" });
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox" }] } };
  const own = { metadata: { name: "own" }, spec: { template, managedBy: "kubernetes.io/job-controller" } };
  await client.create<Job>(jobs, own as never, { namespace });
  await eventually(async () => assert.equal((await client.list(pods, { namespace })).items.length, 1));
  assert.deepEqual((await get(client)).status, {});
});

test("a deleted Job takes its pods along, none is held", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, { parallelism: 2 });
  await liveCount(client, 2);
  await client.delete(jobs, "work", { namespace, propagationPolicy: "Background" });
  await eventually(async () => assert.equal((await client.list(pods, { namespace })).items.length, 0));
});

test("a deadline ends it, and time to live removes it", async (t) => {
  let skew = 0;
  const { client } = await startApiRig(t, starts, { now: () => Date.now() + skew });
  await create(client, { activeDeadlineSeconds: 1, ttlSecondsAfterFinished: 30 });
  await liveCount(client, 1);
  await eventually(async () =>
    assert.deepEqual(conditions(await get(client)), [
      "FailureTarget=True DeadlineExceeded",
      "Failed=True DeadlineExceeded",
    ]),
  );
  skew = 31_000;
  await client.patch(jobs, "work", { metadata: { labels: { poke: "x" } } }, { namespace, type: "merge" });
  await eventually(() => assert.rejects(get(client), (e) => isNotFound(e)));
});

test("a failure policy ignores some exit codes and ends the Job at others", async (t) => {
  const { client } = await startApiRig(t, starts);
  const rules = [
    { action: "Ignore", onExitCodes: { operator: "In", values: [137] } },
    { action: "FailJob", onExitCodes: { containerName: "c", operator: "In", values: [42] } },
  ];
  await create(client, { backoffLimit: 0, podFailurePolicy: { rules } } as never);
  await liveCount(client, 1);
  await end(client, (await live(client))[0]!, "Failed", 60_000, 137);
  await liveCount(client, 1);
  const last = (await live(client))[0]!;
  await end(client, last, "Failed", 60_000, 42);
  await eventually(async () => {
    const { status } = await get(client);
    const failed = status?.conditions?.find((c) => c.type === "Failed");
    assert.deepEqual(
      [failed?.reason, failed?.message, status?.failed],
      [
        "PodFailurePolicy",
        `Container c for pod default/${last.metadata.name} failed with exit code 42 matching FailJob rule at index 1`,
        1,
      ],
    );
  });
});

test("with a limit for each index one that fails does not keep the others from succeeding", async (t) => {
  const { client } = await startApiRig(t, starts);
  await create(client, {
    completions: 2,
    parallelism: 2,
    completionMode: "Indexed",
    backoffLimitPerIndex: 1,
  });
  const ofIndex = async (n: number): Promise<Pod> => {
    let pod: Pod | undefined;
    await eventually(async () => {
      pod = (await live(client)).find((p) => p.spec?.hostname === `work-${n}`);
      assert.ok(pod);
    });
    return pod!;
  };
  await end(client, await ofIndex(0), "Failed", 60_000);
  const again = await ofIndex(0);
  assert.equal(again.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"], "1");
  await end(client, again, "Failed", 60_000);
  await eventually(async () => assert.equal((await get(client)).status?.failedIndexes, "0"));
  await end(client, await ofIndex(1), "Succeeded");
  await eventually(async () => {
    const { status } = await get(client);
    assert.deepEqual([status?.failedIndexes, status?.completedIndexes, status?.failed], ["0", "1", 2]);
    assert.deepEqual(
      status?.conditions?.map((c) => c.reason),
      ["FailedIndexes", "FailedIndexes"],
    );
  });
});

test("a success policy ends the Job when its leader has succeeded", async (t) => {
  const { client } = await startApiRig(t, starts);
  const successPolicy = { rules: [{ succeededIndexes: "0" }] };
  await create(client, { completions: 3, parallelism: 3, completionMode: "Indexed", successPolicy } as never);
  await liveCount(client, 3);
  await end(client, (await live(client)).find((p) => p.spec?.hostname === "work-0")!, "Succeeded");
  await eventually(async () => {
    const { status } = await get(client);
    assert.deepEqual(
      status?.conditions?.map((c) => `${c.type} ${c.reason} ${c.message}`),
      [
        "SuccessCriteriaMet SuccessPolicy Matched rules at index 0",
        "Complete SuccessPolicy Matched rules at index 0",
      ],
    );
    assert.equal(status?.succeeded, 1);
  });
  assert.equal((await live(client)).length, 0);
});
