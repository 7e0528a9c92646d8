// Whatever is done to Services at the same moment: no address or node port is given twice, none is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { familyOf } from "../../src/core/net/mod.ts";
import { startTestServer, type TestServer, testClusterDual } from "../support/api-server.ts";

const room = { IPv4: 30 - 2, IPv6: 15, ports: 20 };
/** Ranges so small that they fill: 30 addresses, of which the cluster's own Services have two, 15 addresses and 20 ports. */
const cluster = {
  ...testClusterDual,
  serviceCIDR: "10.96.0.0/27",
  nodePortRange: { from: 30000, to: 30019 },
  second: { ...testClusterDual.second!, serviceCIDR: "fd00:10:96::/124" },
};

let server: TestServer;
before(async () => {
  server = await startTestServer({ cluster });
});
after(() => server.close());

const url = "/api/v1/namespaces/default/services";
const names = ["a", "b", "c", "d", "e", "f", "g", "h"];

interface Spec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  externalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  ports?: { nodePort?: number }[];
}
type Act = { name: string; verb: "POST" | "PUT" | "PATCH" | "DELETE"; dry: boolean; spec: Spec };

const v4 = fc.integer({ min: 1, max: 31 }).map((n) => `10.96.0.${n}`);
const v6 = fc.integer({ min: 0, max: 16 }).map((n) => `fd00:10:96::${n.toString(16)}`);
const addresses = fc.oneof(
  v4.map((ip) => [ip]),
  v6.map((ip) => [ip]),
  fc.tuple(v4, v6),
  fc.tuple(v6, v4),
  fc.constant(["None"]),
);
const families = fc.constantFrom<string[]>(["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]);
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const spec: fc.Arbitrary<Spec> = fc
  .record({
    type: fc.constantFrom("ClusterIP", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    ips: maybe(addresses),
    ipFamilies: maybe(families),
    ipFamilyPolicy: maybe(fc.constantFrom("SingleStack", "PreferDualStack", "RequireDualStack")),
    nodePort: maybe(fc.integer({ min: 30000, max: 30019 })),
    local: fc.boolean(),
  })
  .map(({ type, ips, ipFamilies, ipFamilyPolicy, nodePort, local }) => ({
    type,
    ...(type === "ExternalName" ? { externalName: "example.com" } : {}),
    ...(ips ? { clusterIP: ips[0]!, clusterIPs: [...ips] } : {}),
    ...(ipFamilies ? { ipFamilies } : {}),
    ...(ipFamilyPolicy ? { ipFamilyPolicy } : {}),
    ...(local && type === "LoadBalancer" ? { externalTrafficPolicy: "Local" } : {}),
    ports: [{ port: 80, ...(nodePort && type !== "ClusterIP" ? { nodePort } : {}) }],
  }));
const act: fc.Arbitrary<Act> = fc.record({
  name: fc.constantFrom(...names),
  verb: fc.constantFrom("POST", "POST", "PUT", "PATCH", "DELETE"),
  dry: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  spec,
});

function send({ name, verb, dry, spec }: Act): Promise<{ status: number; text: string }> {
  const path = `${verb === "POST" ? url : `${url}/${name}`}${dry ? "?dryRun=All" : ""}`;
  if (verb === "DELETE") return server.request(verb, path);
  const headers: Record<string, string> =
    verb === "PATCH" ? { "Content-Type": "application/merge-patch+json" } : {};
  return server.request(verb, path, { body: { metadata: { name }, spec }, headers });
}

const list = async (): Promise<{ metadata: { name: string }; spec: Spec }[]> =>
  (await server.request("GET", url)).body.items;
const unique = (values: readonly unknown[], what: string): void =>
  assert.equal(new Set(values).size, values.length, `${what}: ${values}`);

async function checkStored(): Promise<void> {
  const all = (await list()).map((s) => s.spec);
  const ips = all.map((s) => (s.clusterIPs ?? []).filter((ip) => ip !== "None"));
  unique(ips.flat(), "addresses");
  unique(
    all
      .flatMap((s) => [...(s.ports ?? []).flatMap((p) => p.nodePort ?? []), s.healthCheckNodePort ?? []])
      .flat(),
    "node ports",
  );
  for (const [i, s] of all.entries()) {
    assert.equal(s.clusterIP, s.clusterIPs?.[0]);
    if (s.type === "ExternalName") assert.deepEqual([s.clusterIPs, s.ipFamilies], [undefined, undefined]);
    else if (s.clusterIP !== "None") assert.deepEqual(ips[i]!.map(familyOf), s.ipFamilies);
  }
}

/** How many Services of a kind there is room for. */
async function fill(spec: Spec): Promise<number> {
  for (let n = 0; ; n++) {
    const { status, text } = await send({ name: `fill-${n}`, verb: "POST", dry: false, spec });
    if (status === 201) continue;
    assert.match(text, /range is full/);
    for (let i = 0; i < n; i++) await send({ name: `fill-${i}`, verb: "DELETE", dry: false, spec });
    return n;
  }
}

test("property: what Services have is theirs alone, and all can be had once they are gone", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 1, maxLength: 5 }), { maxLength: 12 }),
      async (rounds) => {
        for (const round of rounds) {
          // Refused or full, but never a mistake of the server's.
          for (const { status, text } of await Promise.all(round.map(send)))
            assert.ok(status < 500 || /range is full/.test(text), text);
          await checkStored();
        }
        for (const name of names) await send({ name, verb: "DELETE", dry: false, spec: {} });
        const ports = [{ port: 80 }] as Spec["ports"] & object;
        assert.equal(await fill({ ports, ipFamilies: ["IPv4"] }), room.IPv4);
        assert.equal(await fill({ ports, ipFamilies: ["IPv6"] }), room.IPv6);
        assert.equal(await fill({ type: "NodePort", ports }), room.ports);
      },
    ),
    { numRuns: 15 },
  );
  assert.deepEqual(server.unexpected, []);
});
