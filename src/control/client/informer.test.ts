import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster, type MemoryCluster } from "../../../test/support/memory-cluster.ts";
import { pods } from "../../core/api/refs.ts";
import type { Pod } from "../../core/api/types.ts";
import type { KubeClient } from "./client.ts";
import { createInformer, type Informer } from "./informer.ts";

const pod = (name: string): Pod => ({ metadata: { name, namespace: "default" } });

function watched(t: { after(f: () => void): void }) {
  const cluster = createMemoryCluster();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const log: string[] = [];
  const errors: unknown[] = [];
  const informer = createInformer(cluster, pods, { onError: (e) => errors.push(e) });
  informer.on({
    added: (o) => log.push(`+${o.metadata.name}`),
    updated: (o) => log.push(`~${o.metadata.name}`),
    deleted: (o) => log.push(`-${o.metadata.name}`),
  });
  return { cluster, informer, log, errors, stop };
}

test("tells what was there, what comes, changes and goes", async (t) => {
  const { cluster, informer, log, stop } = watched(t);
  cluster.put(pods, pod("a"));
  void informer.run(stop.signal);
  await informer.synced;
  cluster.put(pods, pod("b"));
  cluster.change(pods, "default/a", (p) => {
    p.metadata.labels = { x: "y" };
  });
  cluster.remove(pods, "default/b");
  await eventually(() => assert.deepEqual(log, ["+a", "+b", "~a", "-b"]));
  assert.equal(informer.get("default/a")?.metadata.labels?.x, "y");
});

test("lists anew when the watch expires and finds what it missed", async (t) => {
  const { cluster, informer, log, errors, stop } = watched(t);
  cluster.put(pods, pod("a"));
  void informer.run(stop.signal);
  await informer.synced;
  cluster.lag = 100_000;
  const uid = cluster.put(pods, pod("b")).metadata.uid;
  cluster.remove(pods, "default/a");
  cluster.put(pods, pod("a"));
  cluster.compact();
  await eventually(() => assert.deepEqual([...log].sort(), ["+a", "+a", "+b", "-a"]));
  assert.ok(log.indexOf("-a") < log.lastIndexOf("+a"), "an object made anew is first told as deleted");
  assert.equal(informer.get("default/b")?.metadata.uid, uid);
  assert.equal(errors.length, 1);
});

test("a write put into the cache is told once and never resurrected", async (t) => {
  const { cluster, informer, log, stop } = watched(t);
  void informer.run(stop.signal);
  await informer.synced;
  cluster.lag = 20;
  const mine = cluster.put(pods, pod("a"));
  informer.wrote(mine);
  assert.deepEqual(log, ["+a"], "before the watch tells it");
  cluster.remove(pods, "default/a");
  await eventually(() => assert.deepEqual(log, ["+a", "-a"]));
  informer.wrote(mine);
  assert.equal(informer.get("default/a"), undefined, "the watch is past that write");
});

describe("page by page", () => {
  const names = ["a", "b", "c", "d", "e"];
  async function listed(
    t: { after(f: () => void): void },
    onPage: (n: number, cluster: MemoryCluster) => void,
  ) {
    const cluster = createMemoryCluster();
    const stop = new AbortController();
    t.after(() => stop.abort());
    for (const n of names) cluster.put(pods, pod(n));
    const errors: unknown[] = [];
    let lists = 0;
    const client: KubeClient = {
      ...cluster,
      async list(ref, options) {
        assert.equal(options?.limit, 2);
        const page = await cluster.list(ref, options);
        onPage(++lists, cluster);
        return page;
      },
    };
    const informer = createInformer(client, pods, { pageSize: 2, onError: (e) => errors.push(e) });
    void informer.run(stop.signal);
    await informer.synced;
    return { informer, errors, lists: () => lists };
  }
  const cached = (i: Informer<Pod>): string =>
    i
      .list()
      .map((p) => p.metadata.name)
      .sort()
      .join("");

  test("a list is whole, and what changes between its pages comes by the watch", async (t) => {
    const { informer, errors, lists } = await listed(t, (n, cluster) => {
      if (n !== 1) return;
      cluster.remove(pods, "default/a");
      cluster.remove(pods, "default/e");
      cluster.put(pods, pod("f"));
    });
    assert.equal(lists(), 3);
    await eventually(() => assert.equal(cached(informer), "bcdf"));
    assert.deepEqual(errors, []);
  });
  test("a list whose pages expire is begun anew, and holds nothing that has gone", async (t) => {
    const { informer, errors, lists } = await listed(t, (n, cluster) => {
      if (n !== 1) return;
      cluster.remove(pods, "default/a");
      cluster.compact();
    });
    assert.equal(cached(informer), "bcde");
    assert.equal(lists(), 1 + 2, "those that were answered");
    assert.equal(errors.length, 1);
  });
});

test("a handler is told until its signal aborts", async (t) => {
  const { cluster, informer, log, stop } = watched(t);
  void informer.run(stop.signal);
  await informer.synced;
  const until = new AbortController();
  informer.on({ added: (o) => log.push(`second ${o.metadata.name}`) }, until.signal);
  cluster.put(pods, pod("a"));
  await eventually(() => assert.deepEqual(log, ["+a", "second a"]));
  until.abort();
  cluster.put(pods, pod("b"));
  await eventually(() => assert.deepEqual(log, ["+a", "second a", "+b"]));
});

test("an index added later covers what is there and follows changes", async (t) => {
  const { cluster, informer, stop } = watched(t);
  const onNode = (name: string, node: string): Pod => ({
    ...pod(name),
    spec: { containers: [], nodeName: node },
  });
  cluster.put(pods, onNode("a", "n1"));
  void informer.run(stop.signal);
  await informer.synced;
  informer.index("node", (p) => (p.spec?.nodeName ? [p.spec.nodeName] : []));
  const names = (node: string): string[] => informer.byIndex("node", node).map((p) => p.metadata.name!);
  assert.deepEqual(names("n1"), ["a"]);
  cluster.change(pods, "default/a", (p) => {
    p.spec!.nodeName = "n2";
  });
  await eventually(() => assert.deepEqual(names("n2"), ["a"]));
  assert.deepEqual(names("n1"), []);
});

test("a handler that throws stops neither the others nor the informer", async (t) => {
  const { cluster, informer, log, errors, stop } = watched(t);
  informer.on({
    added() {
      throw new Error("mine");
    },
  });
  informer.on({ added: (o) => log.push(`second ${o.metadata.name}`) });
  void informer.run(stop.signal);
  await informer.synced;
  cluster.put(pods, pod("a"));
  cluster.put(pods, pod("b"));
  await eventually(() => assert.deepEqual(log, ["+a", "second a", "+b", "second b"]));
  assert.equal(errors.length, 2);
});
