import assert from "node:assert/strict";
import { test } from "node:test";
import * as packet from "dns-packet";
import fc from "fast-check";
import type { Service } from "../../core/api/types.ts";
import { mustParseCIDR } from "../../core/net/mod.ts";
import { createClusterDirectory, readService } from "../../core/network/dns/mod.ts";
import type { DnsSockets } from "./ports.ts";
import { createResponder } from "./responder.ts";
import { usableUpstreams } from "./start-dns.ts";
import { createUpstreams } from "./upstreams.ts";

type Ask = (
  query: packet.Packet,
  transport: "udp" | "tcp",
  server: string,
) => packet.Packet | "silent" | Buffer;

/** A responder over one cluster, with upstream servers that a function plays. */
function setUp(
  options: { servers?: string[]; upstream?: Ask; synced?: boolean; whenSynced?: Promise<void> } = {},
) {
  const directory = createClusterDirectory();
  directory.setNamespace("ns");
  const add = (name: string, spec: Service["spec"]) =>
    directory.setService(`ns/${name}`, readService({ metadata: { name, namespace: "ns" }, spec } as Service));
  add("web", { clusterIP: "10.96.0.50" });
  add("out", { type: "ExternalName", externalName: "ext.example" });
  const state = { now: 0, asked: [] as string[], synced: options.synced ?? true, errors: [] as unknown[] };
  const play =
    (transport: "udp" | "tcp") =>
    async (server: { address: string }, query: Buffer): Promise<Buffer> => {
      const asked = packet.decode(query);
      state.asked.push(`${transport} ${server.address} ${asked.questions![0]!.name}`);
      const answer = options.upstream?.(asked, transport, server.address) ?? "silent";
      if (answer === "silent") throw new Error("time-out");
      if (Buffer.isBuffer(answer)) return answer;
      return packet.encode({ type: "response", id: asked.id!, questions: asked.questions!, ...answer });
    };
  const sockets = { askUdp: play("udp"), askTcp: play("tcp") } as unknown as DnsSockets;
  const upstreams = createUpstreams({
    servers: (options.servers ?? ["192.0.2.1"]).map((address) => ({ address, port: 53 })),
    sockets,
    clock: { now: () => state.now, sleep: async () => {} },
    random: () => 99,
  });
  const responder = createResponder({
    directory,
    zone: {
      domain: "cluster.local",
      dnsAddress: "10.96.0.10",
      ranges: [mustParseCIDR("10.96.0.0/16")],
      serial: 7,
    },
    synced: () => state.synced,
    whenSynced: options.whenSynced ?? Promise.resolve(),
    upstreams,
    count() {},
    answered() {},
    now: () => 0,
    onError: (e) => state.errors.push(e),
  });
  const out = Buffer.alloc(65535);
  async function raw(message: Buffer, transport: "udp" | "tcp" = "udp"): Promise<Buffer> {
    const result = responder[transport](message, out);
    return typeof result === "number"
      ? Buffer.from(out.subarray(0, result))
      : ((await result) ?? Buffer.alloc(0));
  }
  async function ask(name: string, type = "A", more: packet.Packet = {}, transport: "udp" | "tcp" = "udp") {
    const bytes = await raw(
      packet.encode({
        id: 4711,
        flags: packet.RECURSION_DESIRED,
        questions: [{ name, type: type as "A" }],
        ...more,
        type: "query",
      }),
      transport,
    );
    return packet.decode(bytes) as packet.DecodedPacket & { rcode: string };
  }
  return { ask, raw, state, directory, add, responder, probe: upstreams.probe };
}

const a = (name: string, address: string, ttl = 60): packet.Answer => ({
  type: "A",
  name,
  ttl,
  data: address,
});
const soa = (ttl: number, minimum: number): packet.Answer =>
  ({
    type: "SOA",
    name: "example",
    ttl,
    data: { mname: "m.example", rname: "r.example", serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
  }) as packet.Answer;
const opt = (udpPayloadSize: number, more: object = {}): packet.Answer =>
  ({
    type: "OPT",
    name: ".",
    udpPayloadSize,
    flags: 0,
    extendedRcode: 0,
    ednsVersion: 0,
    options: [],
    ...more,
  }) as never;
const data = (p: packet.Packet) => (p.answers ?? []).map((r) => (r as { data: unknown }).data);

test("a name of the cluster is answered without asking anyone, again from the table, anew after a change", async () => {
  const { ask, state, add, responder } = setUp();
  for (let i = 0; i < 3; i++) assert.deepEqual(data(await ask("web.ns.svc.cluster.local")), ["10.96.0.50"]);
  assert.equal(responder.table.size, 1);
  add("web", { clusterIP: "10.96.0.51" });
  assert.deepEqual(data(await ask("WEB.ns.svc.cluster.local")), ["10.96.0.51"]);
  assert.deepEqual(state.asked, []);
});

test("a question that comes before the cluster is known waits for it", async () => {
  let known = (): void => {};
  const whenSynced = new Promise<void>((resolve) => {
    known = resolve;
  });
  const { ask, state } = setUp({ synced: false, whenSynced });
  const waiting = Promise.all([ask("web.ns.svc.cluster.local"), ask("none.ns.svc.cluster.local", "AAAA")]);
  state.synced = true;
  assert.deepEqual(data(await ask("web.ns.svc.cluster.local")), ["10.96.0.50"]);
  known();
  const [web, none] = await waiting;
  assert.deepEqual(data(web), ["10.96.0.50"]);
  assert.equal(none.rcode, "NXDOMAIN");
});

test("when the cluster stays unknown its names are SERVFAIL, others are forwarded", async () => {
  const { ask, state } = setUp({
    synced: false,
    upstream: (q) => ({ answers: [a(q.questions![0]!.name, "192.0.2.9")] }),
  });
  assert.equal((await ask("web.ns.svc.cluster.local")).rcode, "SERVFAIL");
  assert.deepEqual(data(await ask("example.com")), ["192.0.2.9"]);
  state.synced = true;
  assert.equal((await ask("web.ns.svc.cluster.local")).rcode, "NOERROR");
});

test("other names come from upstream, then from the cache with a smaller TTL, until they end", async () => {
  const { ask, state } = setUp({
    upstream: (q) => ({ answers: [a(q.questions![0]!.name, "192.0.2.9", 60)] }),
  });
  const first = await ask("Example.COM");
  assert.deepEqual(data(first), ["192.0.2.9"]);
  assert.ok(first.flag_ra && !first.flag_aa);
  state.now = 20_000;
  const second = await ask("example.com");
  assert.equal((second.answers![0] as { ttl: number }).ttl, 40);
  assert.equal(second.questions![0]!.name, "example.com");
  assert.equal(state.asked.length, 1);
  state.now = 60_000;
  await ask("example.com");
  assert.equal(state.asked.length, 2);
});

test("a negative answer is kept as long as its SOA says", async () => {
  const { ask, state } = setUp({ upstream: () => ({ flags: 3, authorities: [soa(100, 10)] }) });
  assert.equal((await ask("none.example")).rcode, "NXDOMAIN");
  state.now = 9_000;
  assert.equal((await ask("none.example")).rcode, "NXDOMAIN");
  assert.equal(state.asked.length, 1);
  state.now = 11_000;
  await ask("none.example");
  assert.equal(state.asked.length, 2);
});

test("without EDNS the client gets none; with it, it gets ours", async () => {
  const { ask } = setUp({
    upstream: (q) => ({ answers: [a(q.questions![0]!.name, "192.0.2.9")], additionals: [opt(1232)] }),
  });
  assert.equal((await ask("x.example")).additionals?.length, 0);
  const r = await ask("x.example", "A", { additionals: [opt(4096)] });
  assert.deepEqual(
    r.additionals?.map((x) => x.type),
    ["OPT"],
  );
});

test("a truncated answer is asked for again over TCP; a client without room gets TC, over TCP all", async () => {
  const many = (name: string) => Array.from({ length: 60 }, (_, i) => a(name, `192.0.2.${i}`));
  const { ask, state } = setUp({
    upstream: (q, transport) =>
      transport === "udp" ? { flags: packet.TRUNCATED_RESPONSE } : { answers: many(q.questions![0]!.name) },
  });
  const r = await ask("big.example");
  assert.ok(r.flag_tc);
  assert.equal(r.answers?.length, 0);
  assert.deepEqual(state.asked, ["udp 192.0.2.1 big.example", "tcp 192.0.2.1 big.example"]);
  assert.equal((await ask("big.example", "A", {}, "tcp")).answers?.length, 60);
  assert.equal((await ask("big.example", "A", { additionals: [opt(4096)] })).answers?.length, 60);
});

test("the same question asked at once goes upstream once", async () => {
  const { ask, state } = setUp({ upstream: (q) => ({ answers: [a(q.questions![0]!.name, "192.0.2.9")] }) });
  await Promise.all(Array.from({ length: 20 }, () => ask("same.example")));
  assert.equal(state.asked.length, 1);
});

test("the second server is asked when the first fails, and the first is left alone then", async () => {
  const { ask, state } = setUp({
    servers: ["192.0.2.1", "192.0.2.2"],
    upstream: (q, _, server) =>
      server === "192.0.2.1" ? "silent" : { answers: [a(q.questions![0]!.name, "192.0.2.9")] },
  });
  for (let i = 0; i < 3; i++) assert.deepEqual(data(await ask(`n${i}.example`)), ["192.0.2.9"]);
  assert.equal(state.asked.filter((q) => q.includes("192.0.2.1 ")).length, 2);
});

test("a server that refuses is passed over, but its word is the last when no other answers", async () => {
  const refused = 5;
  const { ask } = setUp({
    servers: ["192.0.2.1", "192.0.2.2"],
    upstream: (_, __, server) => (server === "192.0.2.1" ? { flags: refused } : "silent"),
  });
  assert.equal((await ask("x.example")).rcode, "REFUSED");
});

test("no server answers: SERVFAIL, at once after that, until one comes back", async () => {
  let alive = false;
  const { ask, state } = setUp({
    upstream: (q) => (alive ? { answers: [a(q.questions![0]!.name, "192.0.2.9")] } : "silent"),
  });
  assert.equal((await ask("x.example")).rcode, "SERVFAIL");
  assert.equal(state.asked.length, 2);
  assert.equal((await ask("y.example")).rcode, "SERVFAIL");
  assert.equal(state.asked.length, 2);
  alive = true;
  state.now = 1500;
  await ask("z.example");
  await new Promise((r) => setImmediate(r));
  assert.deepEqual(data(await ask("z.example")), ["192.0.2.9"]);
});

test("a server that did not answer the first probes is not waited for", async () => {
  const { ask, state, probe } = setUp();
  probe();
  await new Promise((r) => setImmediate(r));
  assert.deepEqual(state.asked, ["udp 192.0.2.1 .", "udp 192.0.2.1 ."]);
  assert.equal((await ask("x.example")).rcode, "SERVFAIL");
  assert.equal(state.asked.length, 2);
});

test("no servers at all: SERVFAIL", async () => {
  assert.equal((await setUp({ servers: [] }).ask("x.example")).rcode, "SERVFAIL");
});

test("an ExternalName is a CNAME with what upstream says of its target", async () => {
  const { ask, state } = setUp({
    upstream: (q) => ({ answers: [a(q.questions![0]!.name, "192.0.2.9", 60)] }),
  });
  const r = await ask("out.ns.svc.cluster.local");
  assert.deepEqual(
    r.answers?.map((x) => `${x.name} ${x.type} ${(x as { data: string }).data}`),
    ["out.ns.svc.cluster.local CNAME ext.example", "ext.example A 192.0.2.9"],
  );
  assert.ok(r.flag_aa);
  assert.deepEqual(state.asked, ["udp 192.0.2.1 ext.example"]);
  assert.deepEqual(data(await ask("out.ns.svc.cluster.local", "CNAME")), ["ext.example"]);
});

test("an ExternalName whose target cannot be resolved keeps its CNAME", async () => {
  const silent = await setUp().ask("out.ns.svc.cluster.local", "A", { additionals: [opt(1232)] });
  assert.deepEqual([silent.rcode, ...data(silent)], ["SERVFAIL", "ext.example"]);
  const alone = await setUp({ servers: [] }).ask("out.ns.svc.cluster.local");
  assert.deepEqual([alone.rcode, ...data(alone)], ["NOERROR", "ext.example"]);
});

const query = (change: (b: Buffer) => Buffer): Buffer =>
  change(
    packet.encode({ type: "query", id: 4711, questions: [{ name: "web.ns.svc.cluster.local", type: "A" }] }),
  );
const u16 = (at: number, value: number) => (b: Buffer) => {
  b.writeUInt16BE(value, at);
  return b;
};
const typeAt = 12 + 26;
const refusals: [string, Buffer, string][] = [
  ["too short for a header", Buffer.alloc(11), "silence"],
  ["an answer", query(u16(2, 0x8000)), "silence"],
  ["opcode NOTIFY", query(u16(2, 0x2000)), "NOTIMP"],
  ["no question", query(u16(4, 0)), "FORMERR"],
  ["two questions", query(u16(4, 2)), "FORMERR"],
  ["a name that ends in nothing", query((b) => b.subarray(0, 20)), "FORMERR"],
  ["a compressed question", query(u16(12, 0xc00c)), "FORMERR"],
  ["records that are not there", query(u16(10, 1)), "FORMERR"],
  ["class CHAOS", query(u16(typeAt + 2, 3)), "REFUSED"],
  ["AXFR", query(u16(typeAt, 252)), "REFUSED"],
  ["qtype OPT", query(u16(typeAt, 41)), "FORMERR"],
];
for (const [name, message, expected] of refusals)
  test(`${name}: ${expected}`, async () => {
    const bytes = await setUp().raw(message);
    if (expected === "silence") return assert.equal(bytes.length, 0);
    const r = packet.decode(bytes) as packet.DecodedPacket & { rcode: string };
    assert.equal(r.rcode, expected);
    assert.equal(r.id, 4711);
    assert.ok(r.flag_qr);
  });

test("an EDNS version we do not know: BADVERS", async () => {
  const bytes = await setUp().raw(
    packet.encode({
      type: "query",
      questions: [{ name: "web.ns.svc.cluster.local", type: "A" }],
      additionals: [opt(1232, { ednsVersion: 1 })],
    }),
  );
  const r = packet.decode(bytes);
  assert.equal((r.additionals![0] as unknown as { extendedRcode: number }).extendedRcode, 1);
  assert.equal(bytes[3]! & 15, 0);
});

test("bytes of any kind get silence or a readable answer, from a client and from upstream", async () => {
  const whole = packet.encode({
    type: "query",
    id: 1,
    questions: [{ name: "web.ns.svc.cluster.local", type: "A" }],
    additionals: [opt(1232)],
  });
  const mangled = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 })
    .map((changes) => {
      const b = Buffer.from(whole);
      for (const [at, value] of changes) b[at] = value;
      return b;
    });
  const random = fc.uint8Array({ maxLength: 600 }).map((b) => Buffer.from(b));
  const { raw, state } = setUp({ upstream: () => Buffer.from(whole) });
  await fc.assert(
    fc.asyncProperty(fc.oneof(random, mangled), async (message) => {
      const answer = await raw(message);
      if (answer.length > 0) packet.decode(answer);
      assert.deepEqual(state.errors, []);
    }),
    { numRuns: 3000 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 8 }),
      async (n, changes) => {
        const { raw } = setUp({
          upstream(q) {
            const b = packet.encode({
              type: "response",
              id: q.id!,
              questions: q.questions!,
              answers: [a(q.questions![0]!.name, "192.0.2.1")],
              authorities: [soa(1, 1)],
            });
            for (const [at, value] of changes) if (at < b.length) b[at] = value;
            return b;
          },
        });
        // Data inside a record is passed on as it came: only the frame is ours to vouch for.
        const name = n % 2 ? "x.example" : "out.ns.svc.cluster.local";
        const r = await raw(packet.encode({ type: "query", id: 4711, questions: [{ name, type: "A" }] }));
        assert.equal(r.readUInt16BE(0), 4711);
        assert.ok(r[2]! & 0x80);
      },
    ),
    { numRuns: 1000 },
  );
});

test("servers that are ourselves, or no addresses, are not asked", () => {
  const own = [{ address: "10.96.0.10", port: 53 }];
  assert.deepEqual(
    usableUpstreams(
      ["10.96.0.10", "10.96.0.10:5353", "192.0.2.1", "[fd00::1]:54", "fd00::2", "name", "1.2.3.4:99999"],
      own,
    ),
    [
      { address: "10.96.0.10", port: 5353 },
      { address: "192.0.2.1", port: 53 },
      { address: "fd00::1", port: 54 },
      { address: "fd00::2", port: 53 },
    ],
  );
});
