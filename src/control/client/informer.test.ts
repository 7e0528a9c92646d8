import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster } from "../../../test/support/memory-cluster.ts";
import { pods } from "../../core/api/refs.ts";
import type { Pod } from "../../core/api/types.ts";
import { createInformer } from "./informer.ts";

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
