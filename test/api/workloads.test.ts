// Controllers and scheduler together beside the real API server; only the kubelets are played.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeClient } from "../../src/control/client/mod.ts";
import { startControllers } from "../../src/control/controllers/mod.ts";
import { startScheduler } from "../../src/control/scheduler/mod.ts";
import {
  controllerRevisions,
  daemonSets,
  deployments,
  endpointSlices,
  events,
  namespaces,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  serviceAccounts,
  services,
  statefulSets,
} from "../../src/core/api/refs.ts";
import { isNotFound, StatusError } from "../../src/core/api/status.ts";
import type { Pod } from "../../src/core/api/types.ts";
import { startTestServer, testCluster } from "../support/api-server.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeKubelets, startFakeKubelets } from "../support/fake-kubelet.ts";

const namespace = "default";
const labels = { app: "web" };
const deployment = (replicas: number, image = "nginx") =>
  ({
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image }] } },
    },
  }) as never;

async function start(
  t: { after(f: () => Promise<void>): void },
  nodeNames: string[],
): Promise<{ client: KubeClient; kubelets: FakeKubelets; warnings: string[] }> {
  const server = await startTestServer({ lmdb: true });
  const { client } = server.api;
  const stop = new AbortController();
  const warnings: string[] = [];
  const warn = (fields: object, message: string): void =>
    void warnings.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug() {}, info() {}, warn, error: warn };
  const loops = [
    startControllers({ client, cluster: testCluster, caCert: server.ca, log }, stop.signal),
    startScheduler({ client, log }, stop.signal),
  ];
  const kubelets = await startFakeKubelets(client, nodeNames);
  t.after(async () => {
    stop.abort();
    await kubelets.stop();
    await Promise.all(loops);
    await server.close();
  });
  return { client, kubelets, warnings };
}

const ready = (p: Pod): boolean =>
  p.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

test("a Deployment behind a Service: made, rolled out, rolled back, drained, deleted", async (t) => {
  const { client, warnings } = await start(t, ["n1", "n2"]);
  await client.create(deployments, deployment(3), { namespace });
  const service = { metadata: { name: "web" }, spec: { selector: labels, ports: [{ port: 80 }] } };
  await client.create(services, service as never, { namespace });
  const endpoints = async (): Promise<string[]> =>
    (await client.list(endpointSlices, { namespace, labelSelector: "kubernetes.io/service-name=web" })).items
      .flatMap((s) => s.endpoints ?? [])
      .filter((e) => e.conditions?.ready)
      .map((e) => e.targetRef!.name!)
      .sort();
  const settled = (image: string, count: number): Promise<void> =>
    eventually(async () => {
      const all = (await client.list(pods, { namespace })).items;
      assert.equal(all.length, count);
      assert.ok(all.every((p) => ready(p) && p.spec!.containers[0]!.image === image));
      assert.deepEqual(await endpoints(), all.map((p) => p.metadata.name!).sort());
      const d = await client.get(deployments, "web", { namespace });
      assert.equal(
        d.status?.conditions?.find((c) => c.type === "Progressing")?.reason,
        "NewReplicaSetAvailable",
      );
    }, 10_000);
  await settled("nginx", 3);

  const image = (value: string) => ({
    spec: { template: { spec: { containers: [{ name: "c", image: value }] } } },
  });
  await client.patch(deployments, "web", image("nginx:2"), { namespace, type: "strategic" });
  await settled("nginx:2", 3);
  await client.patch(deployments, "web", image("nginx"), { namespace, type: "strategic" });
  await settled("nginx", 3);
  const revisions = (await client.list(replicaSets, { namespace })).items.map(
    (rs) => rs.metadata.annotations!["deployment.kubernetes.io/revision"],
  );
  assert.deepEqual(revisions.sort(), ["2", "3"]);

  await client.patch(nodes, "n1", { spec: { unschedulable: true } }, { type: "merge" });
  for (const p of (await client.list(pods, { namespace, fieldSelector: "spec.nodeName=n1" })).items) {
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: p.metadata.name!, namespace },
    };
    await client.create(pods, eviction, { namespace, name: p.metadata.name, subresource: "eviction" });
  }
  await eventually(async () => {
    const all = (await client.list(pods, { namespace })).items;
    assert.deepEqual(
      all.map((p) => p.spec?.nodeName),
      ["n2", "n2", "n2"],
    );
  });
  await settled("nginx", 3);

  await client.delete(deployments, "web", { namespace, propagationPolicy: "Foreground" });
  await eventually(async () => {
    assert.deepEqual(await endpoints(), []);
    assert.equal((await client.list(pods, { namespace })).items.length, 0);
    assert.equal((await client.list(replicaSets, { namespace })).items.length, 0);
    await assert.rejects(client.get(deployments, "web", { namespace }), (e) => isNotFound(e));
  });
  assert.deepEqual(warnings, []);
});

test("fifty pods at once all get a node, and no room is given twice", async (t) => {
  const { client } = await start(t, ["n1", "n2"]);
  const requests = { cpu: "200m" };
  await eventually(async () => {
    await client.get(namespaces, "default");
    await client.create(
      pods,
      { metadata: { generateName: "probe-" }, spec: { containers: [{ name: "c", image: "x" }] } } as never,
      {
        namespace,
      },
    );
  });
  await client.deleteCollection(pods, { namespace, gracePeriodSeconds: 0 });
  const spec = { containers: [{ name: "c", image: "nginx", resources: { requests } }] };
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      client.create(pods, { metadata: { name: `p${i}` }, spec } as never, { namespace }),
    ),
  );
  // Two nodes of four cores hold forty of them.
  await eventually(async () => {
    const all = (await client.list(pods, { namespace })).items;
    for (const n of ["n1", "n2"]) assert.equal(all.filter((p) => p.spec?.nodeName === n).length, 20);
    assert.equal(
      all.filter((p) => p.status?.conditions?.some((c) => c.reason === "Unschedulable")).length,
      10,
    );
  });
  const message =
    "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
  await eventually(async () => {
    const said = (await client.list(events, { namespace })).items.map((e) => e.message);
    assert.ok(said.includes(message));
  });
  await client.delete(
    pods,
    (await client.list(pods, { namespace, fieldSelector: "spec.nodeName=n1" })).items[0]!.metadata.name!,
    {
      namespace,
      gracePeriodSeconds: 0,
    },
  );
  await eventually(async () =>
    assert.equal((await client.list(pods, { namespace })).items.filter((p) => !p.spec?.nodeName).length, 9),
  );
});

test("a namespace takes everything in it along", async (t) => {
  const { client } = await start(t, ["n1"]);
  await client.create(namespaces, { metadata: { name: "shop" } });
  await eventually(async () => {
    await client.create(deployments, deployment(2), { namespace: "shop" });
  });
  await eventually(async () =>
    assert.equal((await client.list(pods, { namespace: "shop" })).items.filter(ready).length, 2),
  );
  await client.delete(namespaces, "shop");
  await eventually(() => assert.rejects(client.get(namespaces, "shop"), (e) => isNotFound(e)), 10_000);
  assert.equal((await client.list(pods, { namespace: "shop" })).items.length, 0);
});

test("a DaemonSet has its pod on every node that it may use, and updates them one by one", async (t) => {
  const { client, warnings } = await start(t, ["n1", "n2", "n3"]);
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "one" }] } },
  };
  await eventually(async () => {
    await client.get(serviceAccounts, "default", { namespace });
  });
  await client.create(daemonSets, { metadata: { name: "agent" }, spec } as never, { namespace });
  const places = async (): Promise<(string | undefined)[]> =>
    (await client.list(pods, { namespace })).items
      .filter((p) => ready(p) && !p.metadata.deletionTimestamp)
      .map((p) => `${p.spec?.nodeName} ${p.spec?.containers[0]?.image}`)
      .sort();
  const settled = (...expected: string[]): Promise<void> =>
    eventually(async () => {
      assert.deepEqual(await places(), expected);
      const { status } = await client.get(daemonSets, "agent", { namespace });
      const n = expected.length;
      assert.deepEqual(
        [
          status?.desiredNumberScheduled,
          status?.numberReady,
          status?.updatedNumberScheduled,
          status?.numberAvailable,
        ],
        [n, n, n, n],
      );
    }, 10_000);
  await settled("n1 one", "n2 one", "n3 one");
  let least = 3;
  const watch = setInterval(() => void places().then((p) => (least = Math.min(least, p.length))), 1);
  t.after(async () => clearInterval(watch));
  const image = { spec: { template: { spec: { containers: [{ name: "c", image: "two" }] } } } };
  await client.patch(daemonSets, "agent", image, { namespace, type: "strategic" });
  await settled("n1 two", "n2 two", "n3 two");
  clearInterval(watch);
  assert.ok(least >= 2, `at least two run at any time, there were ${least}`);
  const revisions = (await client.list(controllerRevisions, { namespace })).items.map((r) => r.revision);
  assert.deepEqual(revisions.sort(), [1, 2]);
  const taint = [{ key: "mine", effect: "NoExecute" }];
  await client.patch(nodes, "n1", { spec: { taints: taint } }, { type: "merge" });
  await settled("n2 two", "n3 two");
  await client.patch(nodes, "n1", { spec: { taints: null } }, { type: "merge" });
  await settled("n1 two", "n2 two", "n3 two");
  await client.delete(daemonSets, "agent", { namespace });
  await eventually(async () => {
    assert.equal((await client.list(pods, { namespace })).items.length, 0);
    assert.equal((await client.list(controllerRevisions, { namespace })).items.length, 0);
  });
  assert.deepEqual(warnings, []);
});

test("a StatefulSet comes up in order, is updated from the top, shrinks from the top, and keeps its names", async (t) => {
  const { client, warnings } = await start(t, ["n1"]);
  const spec = {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "one" }] } },
  };
  await eventually(async () => {
    await client.get(serviceAccounts, "default", { namespace });
  });
  const order: string[] = [];
  const stop = new AbortController();
  void (async () => {
    for await (const e of client.watch(pods, { namespace, signal: stop.signal }))
      if (e.type === "ADDED" || e.type === "DELETED")
        order.push(`${e.type === "ADDED" ? "+" : "-"}${e.object.metadata.name}`);
  })();
  t.after(async () => stop.abort());
  await client.create(statefulSets, { metadata: { name: "db" }, spec } as never, { namespace });
  const settled = (...expected: string[]): Promise<void> =>
    eventually(async () => {
      const all = (await client.list(pods, { namespace })).items.filter(
        (p) => ready(p) && !p.metadata.deletionTimestamp,
      );
      assert.deepEqual(all.map((p) => `${p.metadata.name} ${p.spec?.containers[0]?.image}`).sort(), expected);
      const { status } = await client.get(statefulSets, "db", { namespace });
      assert.deepEqual([status?.replicas, status?.readyReplicas], [expected.length, expected.length]);
    }, 10_000);
  const image = (value: string) => ({
    spec: { template: { spec: { containers: [{ name: "c", image: value }] } } },
  });
  await settled("db-0 one", "db-1 one", "db-2 one");
  assert.deepEqual(order.splice(0), ["+db-0", "+db-1", "+db-2"]);
  const pod = await client.get(pods, "db-1", { namespace });
  assert.deepEqual([pod.spec?.hostname, pod.spec?.subdomain], ["db-1", "db"]);
  assert.equal(pod.metadata.labels?.["apps.kubernetes.io/pod-index"], "1");

  const partition = { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } };
  await client.patch(statefulSets, "db", partition, { namespace, type: "merge" });
  await client.patch(statefulSets, "db", image("two"), { namespace, type: "strategic" });
  await settled("db-0 one", "db-1 one", "db-2 two");
  await client.delete(pods, "db-0", { namespace });
  await eventually(async () => assert.ok(order.includes("+db-0")));
  await settled("db-0 one", "db-1 one", "db-2 two");
  order.length = 0;
  const all = { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } };
  await client.patch(statefulSets, "db", all, { namespace, type: "merge" });
  await settled("db-0 two", "db-1 two", "db-2 two");
  assert.deepEqual(order.splice(0), ["-db-1", "+db-1", "-db-0", "+db-0"]);
  await eventually(async () => {
    const { status } = await client.get(statefulSets, "db", { namespace });
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.deepEqual([status?.currentReplicas, status?.updatedReplicas], [3, 3]);
  });
  await client.patch(statefulSets, "db", { spec: { replicas: 1 } }, { namespace, type: "merge" });
  await settled("db-0 two");
  assert.deepEqual(order.splice(0), ["-db-2", "-db-1"]);
  assert.deepEqual(warnings, []);
});

test("a PodDisruptionBudget stands against evictions, lets as many through as it may, and no more at once", async (t) => {
  const { client, warnings } = await start(t, ["n1", "n2"]);
  await eventually(async () => {
    await client.get(serviceAccounts, "default", { namespace });
  });
  await client.create(deployments, deployment(3), { namespace });
  const spec = { maxUnavailable: 0, selector: { matchLabels: labels } };
  await client.create(podDisruptionBudgets, { metadata: { name: "web" }, spec } as never, { namespace });
  const status = async () => (await client.get(podDisruptionBudgets, "web", { namespace })).status;
  const settled = (allowed: number, healthy: number): Promise<void> =>
    eventually(async () => {
      const s = await status();
      assert.deepEqual([s?.disruptionsAllowed, s?.currentHealthy, s?.expectedPods], [allowed, healthy, 3]);
      assert.equal(s?.disruptedPods, undefined);
    });
  await settled(0, 3);
  const evict = async (name: string): Promise<string> => {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    try {
      await client.create(pods, eviction, { namespace, name, subresource: "eviction" });
      return "evicted";
    } catch (error) {
      assert.ok(error instanceof StatusError);
      return `${error.code} ${error.message} ${error.status.details?.causes?.[0]?.message}`;
    }
  };
  const names = async (): Promise<string[]> =>
    (await client.list(pods, { namespace })).items.map((p) => p.metadata.name!);
  assert.equal(
    await evict((await names())[0]!),
    "429 Cannot evict pod as it would violate the pod's disruption budget. The disruption budget web needs 3 healthy pods and has 3 currently",
  );
  await client.patch(
    podDisruptionBudgets,
    "web",
    { spec: { maxUnavailable: 1 } },
    { namespace, type: "merge" },
  );
  await settled(1, 3);
  const answers = await Promise.all((await names()).map(evict));
  assert.equal(answers.filter((a) => a === "evicted").length, 1, answers.join());
  await settled(1, 3);
  const idle = { minAvailable: 1, selector: { matchLabels: { app: "nobody" } } };
  await client.create(podDisruptionBudgets, { metadata: { name: "idle" }, spec: idle } as never, {
    namespace,
  });
  await eventually(async () => {
    const { items } = await client.list(events, { namespace });
    const told = items.filter((e) => e.involvedObject?.name === "idle");
    assert.deepEqual(
      told.map((e) => `${e.reason}: ${e.message}`),
      ["NoPods: No matching pods found"],
    );
  });
  assert.deepEqual(warnings, []);
});
