// Cluster DNS on real sockets, asked by Node's own resolver (c-ares) and by hand, with the API in memory.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as packet from "dns-packet";
import { type ClusterDns, type DnsSockets, type Listener, startDns } from "../../src/agents/dns/mod.ts";
import type { KubeClient } from "../../src/control/client/mod.ts";
import * as refs from "../../src/core/api/refs.ts";
import { unauthorized } from "../../src/core/api/status.ts";
import type { EndpointSlice, Namespace, Service, ServiceCIDR } from "../../src/core/api/types.ts";
import { createDnsSockets } from "../../src/edge/udp/mod.ts";
import { eventually } from "../support/eventually.ts";
import { createMemoryCluster } from "../support/memory-cluster.ts";

const sockets: DnsSockets = createDnsSockets();
const api = createMemoryCluster();
const stop = new AbortController();
const port = 5300;
let away = false;
const cut = new Set<AbortController>();
/** The API as it is seen when its server can go away. */
const client: KubeClient = {
  ...api,
  list: (ref, options) => (away ? Promise.reject(unauthorized()) : api.list(ref, options)),
  watch(ref, options) {
    const control = new AbortController();
    cut.add(control);
    return api.watch(ref, { ...options, signal: AbortSignal.any([options.signal, control.signal]) });
  },
};
let dns: ClusterDns;
let upstream: Listener;
const asked: string[] = [];

function start(signal: AbortSignal, at = { address: "127.0.0.1", port }, upstreams = ["127.0.0.1:5399"]) {
  return startDns(
    {
      client,
      cluster: {
        domain: "cluster.local",
        dnsAddress: "10.96.0.10",
        podCIDR: "10.244.0.0/16",
        serviceCIDR: "10.96.0.0/16",
      },
      listen: [at],
      upstreams,
      status: {
        health: { address: at.address, port: at.port + 1000 },
        ready: { address: at.address, port: at.port + 2000 },
        metrics: { address: at.address, port: at.port + 3000 },
      },
      sockets,
      clock: {
        now: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
      },
      random: (below) => Math.floor(Math.random() * below),
      log: { info() {}, warn() {} },
      serial: 1,
    },
    signal,
  );
}

function putService(name: string, spec: Service["spec"]): void {
  api.put(refs.services, { metadata: { name, namespace: "default" }, spec } as Service);
}
function putSlice(of: string, addresses: string[]): void {
  api.put(refs.endpointSlices, {
    metadata: { name: `${of}-1`, namespace: "default", labels: { "kubernetes.io/service-name": of } },
    addressType: "IPv4",
    endpoints: addresses.map((a) => ({ addresses: [a], conditions: { ready: true } })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  } as EndpointSlice);
}

const resolver = new Resolver({ timeout: 1000, tries: 1 });
resolver.setServers([`127.0.0.1:${port}`]);
const full = (name: string) => `${name}.default.svc.cluster.local`;

before(async () => {
  upstream = await sockets.listenUdp({ address: "127.0.0.1", port: 5399 }, (message, out) => {
    const query = packet.decode(message);
    asked.push(query.questions![0]!.name);
    return packet
      .encode({
        type: "response",
        id: query.id!,
        questions: query.questions!,
        answers: [{ type: "A", name: query.questions![0]!.name, ttl: 60, data: "192.0.2.80" }],
      })
      .copy(out);
  });
  api.put(refs.namespaces, { metadata: { name: "default" } } as Namespace);
  putService("web", { clusterIP: "10.96.0.50", ports: [{ name: "http", port: 80, protocol: "TCP" }] });
  putService("heads", { clusterIP: "None", ports: [{ name: "http", port: 80, protocol: "TCP" }] });
  putSlice(
    "heads",
    Array.from({ length: 300 }, (_, i) => `10.244.${i >> 8}.${i & 255}`),
  );
  putService("ext", { type: "ExternalName", externalName: "www.example" });
  dns = start(stop.signal);
  await dns.ready;
});

after(async () => {
  stop.abort();
  await dns.done;
  await upstream.close();
});

test("c-ares resolves addresses, SRV, PTR, TXT and CNAME", async () => {
  assert.deepEqual(await resolver.resolve4(full("web")), ["10.96.0.50"]);
  assert.deepEqual(await resolver.resolveSrv(`_http._tcp.${full("web")}`), [
    { name: full("web"), port: 80, priority: 0, weight: 100 },
  ]);
  assert.deepEqual(await resolver.reverse("10.96.0.50"), [full("web")]);
  assert.deepEqual(await resolver.resolveTxt("dns-version.cluster.local"), [["1.1.0"]]);
  assert.deepEqual(await resolver.resolveCname(full("ext")), ["www.example"]);
  assert.deepEqual(await resolver.resolve4(full("ext")), ["192.0.2.80"]);
  await assert.rejects(resolver.resolve4(full("none")), { code: "ENOTFOUND" });
  await assert.rejects(resolver.resolve6(full("web")), { code: "ENODATA" });
});

test("reverse names of a ServiceCIDR are not asked for elsewhere while it is there", async () => {
  asked.length = 0;
  const reverse = (n = 9) => resolver.reverse(`203.0.113.${n}`).catch((e: { code?: string }) => e.code);
  await reverse();
  assert.deepEqual(asked, ["9.113.0.203.in-addr.arpa"]);
  const more = { metadata: { name: "more" }, spec: { cidrs: ["203.0.113.0/24"] } } as ServiceCIDR;
  api.put(refs.serviceCIDRs, more);
  await eventually(async () => assert.equal(await reverse(), "ENOTFOUND"));
  putService("far", { clusterIP: "203.0.113.9" });
  await eventually(async () => assert.deepEqual(await reverse(), [full("far")]));
  api.remove(refs.services, "default/far");
  await eventually(async () => assert.equal(await reverse(), "ENOTFOUND"));
  api.remove(refs.serviceCIDRs, "more");
  // Another name: the upstream's answer for the first is remembered.
  await eventually(async () => {
    await reverse(10);
    assert.equal(asked.at(-1), "10.113.0.203.in-addr.arpa");
  });
});

test("an answer too long for UDP comes over TCP", async () => {
  assert.equal((await resolver.resolve4(full("heads"))).length, 300);
});

test("other names are forwarded, and once", async () => {
  asked.length = 0;
  for (let i = 0; i < 3; i++) assert.deepEqual(await resolver.resolve4("a.example"), ["192.0.2.80"]);
  assert.deepEqual(asked, ["a.example"]);
});

test("a change is answered within 50 ms", async () => {
  await resolver.resolve4(full("web"));
  putService("web", { clusterIP: "10.96.0.60" });
  const from = performance.now();
  for (;;) {
    const [address] = await resolver.resolve4(full("web"));
    const took = performance.now() - from;
    if (address === "10.96.0.60") {
      assert.ok(took < 50, `took ${took} ms`);
      return;
    }
    assert.ok(took < 2000, "the change never came");
  }
});

test("many queries in one write on one connection, answered as they come", async () => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const names = Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? `n${i}.example` : full("web")));
  const frames = names.map((name, id) => {
    const bytes = packet.encode({ type: "query", id, questions: [{ name, type: "A" }] });
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
  });
  const all = Buffer.concat(frames);
  // In pieces that end in the middle of messages.
  for (let p = 0; p < all.length; p += 997) socket.write(all.subarray(p, p + 997));
  const ids = new Set<number>();
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      const r = packet.decode(received.subarray(2, 2 + length));
      assert.equal(r.answers?.length, 1, names[r.id!]);
      ids.add(r.id!);
      received = received.subarray(2 + length);
    }
    if (ids.size === names.length) break;
  }
  assert.equal(ids.size, names.length);
  socket.destroy();
});

test("a client that only sends does not fill the memory", async () => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.pause();
  const query = packet.encode({ type: "query", questions: [{ name: full("heads"), type: "A" }] });
  const frame = Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]);
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame));
  const from = process.memoryUsage().rss;
  let blocked = false;
  // 20,000 answers of 5 KB are 100 MB.
  for (let i = 0; i < 20 && !blocked; i++) {
    blocked = !socket.write(many);
    await new Promise((r) => setTimeout(r, 20));
  }
  const grown = (process.memoryUsage().rss - from) / (1 << 20);
  assert.ok(grown < 60, `grew by ${grown.toFixed(0)} MB`);
  socket.destroy();
});

test("health, readiness and metrics", async () => {
  const get = async (at: number, path: string) => {
    const r = await fetch(`http://127.0.0.1:${at}${path}`);
    return `${r.status} ${await r.text()}`;
  };
  assert.equal(await get(port + 1000, "/health"), "200 OK");
  assert.equal(await get(port + 2000, "/ready"), "200 OK");
  assert.match(
    await get(port + 3000, "/metrics"),
    /^coredns_dns_requests_total\{.*proto="udp".*type="A".*\} \d+$/m,
  );
  assert.match(await get(port + 1000, "/constructor"), /^404/);
});

test("while the API is away the last known state answers, and what changed is known after", async () => {
  away = true;
  for (const control of cut) control.abort();
  putService("late", { clusterIP: "10.96.0.70" });
  await new Promise((r) => setTimeout(r, 200));
  assert.deepEqual(await resolver.resolve4(full("web")), ["10.96.0.60"]);
  away = false;
  const deadline = performance.now() + 6000;
  for (;;) {
    const found = await resolver.resolve4(full("late")).catch(() => []);
    if (found[0] === "10.96.0.70") return;
    assert.ok(performance.now() < deadline, "the new Service never came");
    await new Promise((r) => setTimeout(r, 50));
  }
});

test("an upstream server that cannot be reached: SERVFAIL at once", async () => {
  const control = new AbortController();
  const other = start(control.signal, { address: "127.0.0.1", port: 5310 }, ["192.0.2.53"]);
  await other.ready;
  const lone = new Resolver({ timeout: 3000, tries: 1 });
  lone.setServers(["127.0.0.1:5310"]);
  const from = performance.now();
  await assert.rejects(lone.resolve4("a.example"), { code: "ESERVFAIL" });
  assert.ok(performance.now() - from < 500);
  control.abort();
  await other.done;
});

test("a status page whose port is taken is no reason not to answer", async () => {
  const taken = await sockets.listenHttp({ address: "127.0.0.1", port: 8340 }, () => undefined);
  const control = new AbortController();
  const other = start(control.signal, { address: "127.0.0.1", port: 5340 });
  await other.ready;
  const lone = new Resolver({ timeout: 1000, tries: 1 });
  lone.setServers(["127.0.0.1:5340"]);
  assert.equal((await lone.resolve4(full("heads"))).length, 300);
  control.abort();
  await other.done;
  await taken.close();
});

test("an address that is not there is refused, and nothing stays open", async () => {
  const control = new AbortController();
  const other = start(control.signal, { address: "10.96.0.10", port: 5320 });
  await assert.rejects(other.ready, /EADDRNOTAVAIL/);
  control.abort();
  await other.done;
});
