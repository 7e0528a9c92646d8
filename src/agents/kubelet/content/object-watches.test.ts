import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { createMemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { configMaps } from "../../../core/api/refs.ts";
import type { ConfigMap } from "../../../core/api/types.ts";
import { createObjectWatches } from "./object-watches.ts";

const map = (name: string, a: string, more: object = {}): ConfigMap => ({
  metadata: { name, namespace: "ns" },
  data: { a },
  ...more,
});

function rig(t: TestContext) {
  const cluster = createMemoryCluster();
  const asked: string[] = [];
  let down = false;
  const refuse = (): void => {
    if (down) throw new Error("connection refused");
  };
  const client = {
    ...cluster,
    get: (async (ref, name, at) => {
      asked.push(`get ${name}`);
      refuse();
      return cluster.get(ref, name, at);
    }) as typeof cluster.get,
    list: (async (ref, options) => {
      asked.push(`list ${options?.namespace} ${options?.fieldSelector}`);
      refuse();
      return cluster.list(ref, options);
    }) as typeof cluster.list,
  };
  const told: string[] = [];
  const watches = createObjectWatches(client, configMaps, {
    changed: (holders) => void told.push([...holders].sort().join()),
    steady: new Set(["bundle"]),
    onError() {},
  });
  const stop = new AbortController();
  const running = watches.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    assert.equal(watches.size, 0);
  });
  const get = async (holder: string, name: string, fresh = true): Promise<string | undefined> =>
    (await watches.get(holder, "ns", name, fresh))?.data?.a;
  const hold = (holder: string, ...names: string[]): void => watches.hold(holder, "ns", new Set(names));
  return { cluster, watches, asked, told, get, hold, setDown: (is: boolean) => (down = is) };
}

test("one question for a new name, then its changes and nobody else's", async (t) => {
  const { cluster, asked, told, get, hold } = rig(t);
  cluster.put(configMaps, map("mine", "1"));
  cluster.put(configMaps, map("other", "1"));
  hold("p1", "mine");
  assert.equal(await get("p1", "mine"), "1");
  assert.deepEqual(asked, ["list ns metadata.name=mine"]);
  assert.deepEqual(told, []);
  cluster.change(configMaps, "ns/other", (o) => (o.data = { a: "2" }));
  cluster.change(configMaps, "ns/mine", (o) => (o.data = { a: "2" }));
  await eventually(() => assert.deepEqual(told, ["p1"]));
  assert.equal(await get("p1", "mine", false), "2");
  assert.deepEqual(asked, ["list ns metadata.name=mine"]);
});

test("holders share a watch, which ends with the last of them", async (t) => {
  const { cluster, watches, told, get, hold } = rig(t);
  cluster.put(configMaps, map("a", "1"));
  hold("p1", "a");
  hold("p2", "a");
  assert.deepEqual(await Promise.all([get("p1", "a"), get("p2", "a")]), ["1", "1"]);
  assert.equal(watches.size, 1);
  cluster.change(configMaps, "ns/a", (o) => (o.data = { a: "2" }));
  await eventually(() => assert.deepEqual(told, ["p1,p2"]));
  hold("p1");
  cluster.change(configMaps, "ns/a", (o) => (o.data = { a: "3" }));
  await eventually(() => assert.deepEqual(told, ["p1,p2", "p2"]));
  await assert.rejects(async () => {
    hold("p2");
    await get("p2", "a");
  }, /configmaps ns\/a is not held/);
  await eventually(() => assert.equal(watches.size, 0));
  assert.equal(told.length, 2);
});

test("a later holder is not given what the watch has not heard of yet", async (t) => {
  const { cluster, get, hold } = rig(t);
  cluster.put(configMaps, map("a", "1"));
  hold("p1", "a");
  assert.equal(await get("p1", "a"), "1");
  cluster.lag = 200;
  cluster.change(configMaps, "ns/a", (o) => (o.data = { a: "2" }));
  hold("p2", "a");
  assert.equal(await get("p2", "a"), "2");
  assert.equal(await get("p1", "a", false), "2");
});

test("what is not there is null, and its coming is told", async (t) => {
  const { cluster, told, hold, watches, get } = rig(t);
  hold("p1", "later");
  assert.equal(await watches.get("p1", "ns", "later", true), null);
  cluster.put(configMaps, map("later", "1"));
  await eventually(() => assert.deepEqual(told, ["p1"]));
  assert.equal(await get("p1", "later", false), "1");
  cluster.remove(configMaps, "ns/later");
  await eventually(() => assert.deepEqual(told, ["p1", "p1"]));
  assert.equal(await watches.get("p1", "ns", "later", false), null);
});

test("steady names are read once and not watched", async (t) => {
  const { cluster, watches, asked, get, hold } = rig(t);
  cluster.put(configMaps, map("bundle", "1"));
  hold("p1", "bundle");
  assert.equal(await get("p1", "bundle"), "1");
  hold("p2", "bundle");
  assert.equal(await get("p2", "bundle"), "1");
  assert.deepEqual(asked, ["get bundle"]);
  assert.equal(watches.size, 0);
});

test("an immutable object is watched no longer", async (t) => {
  const { cluster, watches, get, hold } = rig(t);
  cluster.put(configMaps, map("a", "1", { immutable: true }));
  hold("p1", "a");
  assert.equal(await get("p1", "a"), "1");
  await eventually(() => assert.equal(watches.size, 0));
  assert.equal(await get("p1", "a", false), "1");
  cluster.remove(configMaps, "ns/a");
  hold("p2", "a");
  assert.equal(await watches.get("p2", "ns", "a", true), null);
});

test("an API that cannot be asked is an error, and no longer than it lasts", async (t) => {
  const { cluster, setDown, get, hold } = rig(t);
  cluster.put(configMaps, map("a", "1"));
  setDown(true);
  hold("p1", "a");
  await assert.rejects(get("p1", "a"), /connection refused/);
  await assert.rejects(get("p1", "a", false), /connection refused/);
  setDown(false);
  assert.equal(await get("p1", "a"), "1");
  assert.equal(await get("p1", "a", false), "1");
});
