import assert from "node:assert/strict";
import { test } from "node:test";
import * as packet from "dns-packet";
import type { EndpointSlice, Service } from "../../api/types.ts";
import { mustParseCIDR } from "../../net/mod.ts";
import {
  createClusterDirectory,
  createQueryView,
  parseQuery,
  questionLabels,
  readService,
  readSlice,
  readyAnswer,
  resolveName,
  writeAnswer,
  type ZoneOptions,
} from "./mod.ts";

const zone: ZoneOptions = {
  domain: "cluster.local",
  dnsAddress: "10.96.0.10",
  ranges: [mustParseCIDR("10.96.0.0/12"), mustParseCIDR("10.244.0.0/16")],
  serial: 7,
};

const meta = (name: string, labels?: Record<string, string>) => ({ name, namespace: "ns", labels });
const service = (name: string, spec: Service["spec"]): Service => ({ metadata: meta(name), spec }) as Service;
const slice = (
  name: string,
  of: string,
  endpoints: { addresses: string[]; hostname?: string; ready?: boolean }[],
  ports: { name?: string; port: number; protocol?: string }[] = [],
  addressType = "IPv4",
): EndpointSlice =>
  ({
    metadata: meta(name, { "kubernetes.io/service-name": of }),
    addressType,
    endpoints: endpoints.map(({ ready, ...e }) => ({
      ...e,
      conditions: ready === undefined ? {} : { ready },
    })),
    ports,
  }) as EndpointSlice;

function cluster() {
  const directory = createClusterDirectory();
  const d = {
    ...directory,
    get generation() {
      return directory.generation;
    },
    setService: (s: Service) => directory.setService(`ns/${s.metadata.name}`, readService(s)),
    setSlice: (s: EndpointSlice) => directory.setSlice(`ns/${s.metadata.name}`, readSlice(s)),
  };
  d.setNamespace("ns");
  d.setNamespace("empty");
  const http = { name: "http", port: 80, protocol: "TCP" };
  d.setService(service("web", { clusterIP: "10.96.0.50", clusterIPs: ["10.96.0.50"], ports: [http] }));
  d.setSlice(slice("web-1", "web", [{ addresses: ["10.244.0.9"] }], [{ name: "http", port: 8080 }]));
  d.setService(service("dual", { clusterIPs: ["10.96.0.51", "fd00::51"], ports: [{ port: 80 }] }));
  d.setService(service("portless", { clusterIP: "10.96.0.52" }));
  d.setService(
    service("heads", { clusterIP: "None", ports: [http, { ...http, name: "dns", protocol: "UDP" }] }),
  );
  d.setSlice(
    slice(
      "heads-1",
      "heads",
      [
        { addresses: ["10.244.0.2"], ready: true },
        { addresses: ["10.244.0.3"], hostname: "db-0" },
        { addresses: ["10.244.0.4"], ready: false },
        { addresses: ["10.244.0.5"], hostname: "Twin" },
        { addresses: ["10.244.0.6"], hostname: "twin" },
      ],
      [{ name: "http", port: 8080, protocol: "TCP" }],
    ),
  );
  d.setSlice(
    slice("heads-2", "heads", [{ addresses: ["FD00:0::2"] }], [{ name: "http", port: 8081 }], "IPv6"),
  );
  d.setService(service("unready", { clusterIP: "None" }));
  d.setSlice(slice("unready-1", "unready", [{ addresses: ["10.244.0.7"], ready: false }]));
  d.setService(service("outside", { type: "ExternalName", externalName: "Ext.Example." }));
  d.setService(service("inside", { type: "ExternalName", externalName: "web.ns.svc.cluster.local" }));
  d.setService(service("dead", { type: "ExternalName", externalName: "none.ns.svc.cluster.local" }));
  d.setService(service("loop-a", { type: "ExternalName", externalName: "loop-b.ns.svc.cluster.local" }));
  d.setService(service("loop-b", { type: "ExternalName", externalName: "loop-a.ns.svc.cluster.local" }));
  for (let i = 0; i < 20; i++)
    d.setService(
      service(`ring-${i}`, {
        type: "ExternalName",
        externalName: `ring-${(i + 1) % 20}.ns.svc.cluster.local`,
      }),
    );
  d.setService(service("literal", { type: "ExternalName", externalName: "192.0.2.1" }));
  d.setService(service("pending", { ports: [http] }));
  return { d, directory };
}

const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, HTTPS: 65, ANY: 255 };

/** `kind`, then each answer as `TYPE value`, sorted; `+` before additional ones. */
function ask(name: string, type: keyof typeof types): string {
  const r = resolveName(directory, zone, name.split("."), types[type]);
  if (r.kind === "outside") return "outside";
  if (r.kind === "nodata" || r.kind === "nxdomain") return `${r.kind} ${r.zone}`;
  const text = (records: typeof r.answers) =>
    records.map((x) => {
      const d = x.data;
      if (d.kind === "SRV") return `SRV ${d.weight} ${d.port} ${d.target}`;
      if ("address" in d) return `${d.kind} ${d.address}`;
      if (d.kind === "TXT") return `TXT ${d.text} ${x.ttl}`;
      return d.kind === "SOA" ? `SOA ${d.zone}` : `${d.kind} ${d.target}`;
    });
  if (r.kind === "alias") return [...text(r.answers), `then ${r.target}`].join(", ");
  return [...text(r.answers).sort(), ...text(r.additional).map((a) => `+${a}`)].join(", ");
}

const { directory } = cluster();
const rows: [string, keyof typeof types, string][] = [
  ["web.ns.svc.cluster.local", "A", "A 10.96.0.50"],
  ["web.ns.svc.cluster.local", "AAAA", "nodata cluster.local"],
  ["web.ns.svc.cluster.local", "HTTPS", "nodata cluster.local"],
  ["web.ns.svc.cluster.local", "SOA", "nodata cluster.local"],
  ["web.ns.svc.cluster.local", "SRV", "SRV 100 80 web.ns.svc.cluster.local, +A 10.96.0.50"],
  ["_http._tcp.web.ns.svc.cluster.local", "SRV", "SRV 100 80 web.ns.svc.cluster.local, +A 10.96.0.50"],
  ["_http._tcp.web.ns.svc.cluster.local", "A", "nodata cluster.local"],
  ["_http._udp.web.ns.svc.cluster.local", "SRV", "nxdomain cluster.local"],
  ["_tcp.web.ns.svc.cluster.local", "A", "nodata cluster.local"],
  ["_udp.web.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["_._tcp.dual.ns.svc.cluster.local", "SRV", "nxdomain cluster.local"],
  ["10-244-0-9.web.ns.svc.cluster.local", "A", "A 10.244.0.9"],
  ["dual.ns.svc.cluster.local", "A", "A 10.96.0.51"],
  ["dual.ns.svc.cluster.local", "AAAA", "AAAA fd00::51"],
  ["dual.ns.svc.cluster.local", "ANY", "A 10.96.0.51, AAAA fd00::51, SRV 100 80 dual.ns.svc.cluster.local"],
  ["portless.ns.svc.cluster.local", "A", "A 10.96.0.52"],
  ["portless.ns.svc.cluster.local", "SRV", "nodata cluster.local"],
  ["heads.ns.svc.cluster.local", "A", "A 10.244.0.2, A 10.244.0.3, A 10.244.0.5, A 10.244.0.6"],
  ["heads.ns.svc.cluster.local", "AAAA", "AAAA fd00::2"],
  ["db-0.heads.ns.svc.cluster.local", "A", "A 10.244.0.3"],
  ["db-0.heads.ns.svc.cluster.local", "AAAA", "nodata cluster.local"],
  ["twin.heads.ns.svc.cluster.local", "A", "A 10.244.0.5, A 10.244.0.6"],
  ["10-244-0-2.heads.ns.svc.cluster.local", "A", "A 10.244.0.2"],
  ["10-244-0-3.heads.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["10-244-0-4.heads.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["fd00--2.heads.ns.svc.cluster.local", "AAAA", "AAAA fd00::2"],
  [
    "_http._tcp.heads.ns.svc.cluster.local",
    "SRV",
    "SRV 25 8080 10-244-0-2.heads.ns.svc.cluster.local, SRV 25 8080 db-0.heads.ns.svc.cluster.local, SRV 25 8080 twin.heads.ns.svc.cluster.local, SRV 25 8081 fd00--2.heads.ns.svc.cluster.local, +A 10.244.0.2, +A 10.244.0.3, +A 10.244.0.5, +A 10.244.0.6, +AAAA fd00::2",
  ],
  ["a.b.c.heads.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["unready.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["outside.ns.svc.cluster.local", "A", "CNAME ext.example, then ext.example"],
  ["outside.ns.svc.cluster.local", "CNAME", "CNAME ext.example"],
  ["x.outside.ns.svc.cluster.local", "CNAME", "nxdomain cluster.local"],
  ["inside.ns.svc.cluster.local", "A", "A 10.96.0.50, CNAME web.ns.svc.cluster.local"],
  ["dead.ns.svc.cluster.local", "A", "CNAME none.ns.svc.cluster.local"],
  [
    "loop-a.ns.svc.cluster.local",
    "A",
    "CNAME loop-a.ns.svc.cluster.local, CNAME loop-b.ns.svc.cluster.local",
  ],
  ["literal.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["pending.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["none.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["*.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["we/b.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["__proto__.ns.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["web.nowhere.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["ns.svc.cluster.local", "A", "nodata cluster.local"],
  ["empty.svc.cluster.local", "A", "nodata cluster.local"],
  ["nowhere.svc.cluster.local", "A", "nxdomain cluster.local"],
  ["svc.cluster.local", "A", "nodata cluster.local"],
  ["svc.cluster.local", "NS", "nodata cluster.local"],
  ["pod.cluster.local", "A", "nodata cluster.local"],
  ["cluster.local", "SOA", "SOA cluster.local"],
  ["cluster.local", "NS", "NS ns.dns.cluster.local"],
  ["cluster.local", "A", "nodata cluster.local"],
  ["ns.dns.cluster.local", "A", "A 10.96.0.10"],
  ["dns.cluster.local", "A", "nodata cluster.local"],
  ["foo.cluster.local", "NS", "nxdomain cluster.local"],
  ["dns-version.cluster.local", "TXT", "TXT 1.1.0 28800"],
  ["dns-version.cluster.local", "A", "nodata cluster.local"],
  ["1-2-3-4.ns.pod.cluster.local", "A", "A 1.2.3.4"],
  ["1-2-3-4.ns.pod.cluster.local", "AAAA", "nodata cluster.local"],
  ["fd00--4.ns.pod.cluster.local", "AAAA", "AAAA fd00::4"],
  ["1-2-3-400.ns.pod.cluster.local", "A", "nxdomain cluster.local"],
  ["web.ns.pod.cluster.local", "A", "nxdomain cluster.local"],
  ["1-2-3-4.nowhere.pod.cluster.local", "A", "nxdomain cluster.local"],
  ["50.0.96.10.in-addr.arpa", "PTR", "PTR web.ns.svc.cluster.local"],
  ["50.0.96.10.in-addr.arpa", "A", "nodata 96.10.in-addr.arpa"],
  ["3.0.244.10.in-addr.arpa", "PTR", "PTR db-0.heads.ns.svc.cluster.local"],
  ["9.0.244.10.in-addr.arpa", "PTR", "PTR 10-244-0-9.web.ns.svc.cluster.local"],
  ["99.0.244.10.in-addr.arpa", "PTR", "nxdomain 244.10.in-addr.arpa"],
  ["1.2.97.10.in-addr.arpa", "PTR", "nxdomain 97.10.in-addr.arpa"],
  ["0.244.10.in-addr.arpa", "PTR", "nodata 244.10.in-addr.arpa"],
  ["244.10.in-addr.arpa", "SOA", "SOA 244.10.in-addr.arpa"],
  ["10.in-addr.arpa", "PTR", "outside"],
  ["4.3.2.1.in-addr.arpa", "PTR", "outside"],
  ["01.0.96.10.in-addr.arpa", "PTR", "outside"],
  [
    "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
    "PTR",
    "PTR fd00--2.heads.ns.svc.cluster.local",
  ],
  ["example.com", "A", "outside"],
  ["local", "A", "outside"],
  ["notcluster.local", "A", "outside"],
];
for (const [name, type, expected] of rows)
  test(`${type} ${name}: ${expected}`, () => assert.equal(ask(name, type), expected));

test("the reverse zone of a ServiceCIDR comes and goes with it", () => {
  const { directory } = cluster();
  const answer = (name: string, type: number): string => {
    const r = resolveName(directory, zone, name.split("."), type);
    return r.kind === "answer" ? `${r.answers[0]!.data.kind}` : "zone" in r ? `${r.kind} ${r.zone}` : r.kind;
  };
  const at = directory.generation;
  assert.equal(answer("9.113.0.203.in-addr.arpa", types.PTR), "outside");
  directory.setServiceRanges([mustParseCIDR("203.0.113.0/24"), mustParseCIDR("fd00:9::/112")]);
  assert.equal(answer("9.113.0.203.in-addr.arpa", types.PTR), "nxdomain 113.0.203.in-addr.arpa");
  assert.equal(answer("113.0.203.in-addr.arpa", types.SOA), "SOA");
  directory.setService("ns/far", readService(service("far", { clusterIP: "203.0.113.9" })));
  assert.equal(answer("9.113.0.203.in-addr.arpa", types.PTR), "PTR");
  directory.setServiceRanges([mustParseCIDR("203.0.113.0/24"), mustParseCIDR("fd00:9::/112")]);
  assert.equal(directory.generation, at + 2, "the same ranges again are no change");
  directory.setServiceRanges([]);
  assert.equal(answer("113.0.203.in-addr.arpa", types.SOA), "outside");
});

test("a ring of twenty ExternalNames ends", () => {
  assert.match(ask("ring-0.ns.svc.cluster.local", "A"), /^CNAME/);
});

test("what is deleted is gone, and every change counts", () => {
  const { d, directory } = cluster();
  const at = d.generation;
  directory.setSlice("ns/heads-1", undefined);
  directory.setSlice("ns/heads-2", undefined);
  directory.setService("ns/web", undefined);
  directory.setService("ns/never-was", undefined);
  assert.equal(d.generation, at + 3);
  const a = (name: string) => resolveName(directory, zone, name.split("."), 1).kind;
  assert.equal(a("heads.ns.svc.cluster.local"), "nxdomain");
  assert.equal(a("web.ns.svc.cluster.local"), "nxdomain");
  assert.deepEqual(d.servicesAt("10.96.0.50"), []);
  d.setService(service("web", { clusterIP: "10.96.0.99" }));
  assert.deepEqual(
    d.servicesAt("10.96.0.99").map((s) => s.name),
    ["web"],
  );
  d.setService(service("web", { clusterIP: "10.96.0.98" }));
  assert.deepEqual(d.servicesAt("10.96.0.99"), []);
});

/** The whole way: query bytes in, response bytes out, read by another implementation. */
function roundTrip(name: string, type: string, limit = 4096, edns = true) {
  const query = packet.encode({
    type: "query",
    id: 4711,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type: type as "A", class: "IN" }],
    additionals: edns
      ? [{ type: "OPT", name: ".", udpPayloadSize: limit, flags: 0, options: [] } as never]
      : [],
  });
  const view = createQueryView();
  assert.equal(parseQuery(view, query), "query");
  const resolution = resolveName(directory, zone, questionLabels(view), view.type);
  assert.notEqual(resolution.kind, "outside");
  const out = Buffer.alloc(65535);
  const answer = readyAnswer(view, resolution as never, 7);
  const length = writeAnswer(answer, view, out, { limit, turn: 1 });
  assert.ok(length <= limit);
  return packet.decode(out.subarray(0, length));
}

for (const [name, type] of rows.filter(([n, t, e]) => e !== "outside" && t !== "HTTPS" && !n.includes("/")))
  test(`on the wire: ${type} ${name}`, () => {
    const r = roundTrip(name, type);
    assert.equal(r.id, 4711);
    assert.ok(r.flag_qr && r.flag_aa && r.flag_rd && r.flag_ra && !r.flag_tc);
    assert.equal(r.questions?.[0]?.name, name);
    const expected = ask(name, type);
    assert.equal((r as { rcode?: string }).rcode, expected.startsWith("nxdomain") ? "NXDOMAIN" : "NOERROR");
    const wire = (r.answers ?? []).map((a) => {
      const data = (a as { data: unknown }).data as never as Record<string, unknown> & string & Buffer[];
      if (a.type === "SRV") return `SRV ${data.weight} ${data.port} ${data.target}`;
      if (a.type === "TXT") return `TXT ${data[0]} ${a.ttl}`;
      if (a.type === "SOA") return `SOA ${a.name}`;
      return `${a.type} ${data}`;
    });
    if (expected.startsWith("n") && /^(nodata|nxdomain)/.test(expected)) {
      assert.deepEqual(wire, []);
      const soa = r.authorities?.[0] as { name: string; data: { mname: string; minimum: number } };
      assert.equal(soa.name, expected.split(" ")[1]);
      assert.equal(soa.data.mname, `ns.dns.${soa.name}`);
      assert.equal(soa.data.minimum, 30);
    } else
      assert.deepEqual(
        wire.sort(),
        expected
          .split(", ")
          .filter((e) => !e.startsWith("+") && !e.startsWith("then"))
          .sort(),
      );
    assert.equal(r.additionals?.at(-1)?.type, "OPT");
  });

test("the client's spelling comes back, in answers too", () => {
  const r = roundTrip("WeB.Ns.sVc.CLUSTER.local", "A");
  assert.equal(r.questions?.[0]?.name, "WeB.Ns.sVc.CLUSTER.local");
  assert.equal(r.answers?.[0]?.name, "WeB.Ns.sVc.CLUSTER.local");
});

test("addresses take turns", () => {
  const order = roundTrip("heads.ns.svc.cluster.local", "A").answers!.map(
    (a) => (a as { data: string }).data,
  );
  assert.equal(order.length, 4);
  assert.equal(order[0], "10.244.0.3");
  assert.equal(order[3], "10.244.0.2");
});

test("short of space, the additional section goes first, then the answers with TC", () => {
  const name = "_http._tcp.heads.ns.svc.cluster.local";
  const whole = roundTrip(name, "SRV");
  assert.equal(whole.additionals?.length, 6);
  const less = roundTrip(name, "SRV", 240);
  assert.equal(less.answers?.length, 4);
  assert.equal(less.additionals?.length, 1);
  assert.ok(!less.flag_tc);
  const cut = roundTrip(name, "SRV", 90);
  assert.equal(cut.answers?.length, 0);
  assert.ok(cut.flag_tc);
});
