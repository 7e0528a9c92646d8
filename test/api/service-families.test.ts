// The address families of Services in clusters of every kind, by real requests: policies, upgrades, downgrades, allocation.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { rangesByFamily } from "../../src/core/cluster/ip-families.ts";
import { contains, familyOf, mustParseCIDR, mustParseIP } from "../../src/core/net/mod.ts";
import {
  startTestServer,
  type TestServer,
  testCluster,
  testClusterDual,
  testClusterDualIPv6,
  testClusterIPv6,
} from "../support/api-server.ts";
import { created, updated } from "./service-families-cases.ts";

const clusters: [name: string, cluster: ClusterFacts][] = [
  ["IPv4", testCluster],
  ["IPv6", testClusterIPv6],
  ["IPv4 and IPv6", testClusterDual],
  ["IPv6 and IPv4", testClusterDualIPv6],
];

const url = "/api/v1/namespaces/default/services";
const addresses: Record<string, string> = { "4": "10.96.7.7", "6": "fd00:10:96::707" };
const policies: Record<string, string> = {
  S: "SingleStack",
  P: "PreferDualStack",
  R: "RequireDualStack",
};

interface Spec {
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilyPolicy?: string;
  ipFamilies?: string[];
  selector?: Record<string, string>;
  [key: string]: unknown;
}

/** From the words of a row; families as 4 and 6. */
function specOf(ips: string, policy: string, families: string): Spec {
  const list = ips === "-" ? [] : ips.startsWith("None") ? ["None"] : [...ips].map((f) => addresses[f]!);
  return {
    ports: [{ port: 80 }],
    ...(list.length > 0 ? { clusterIP: list[0]!, clusterIPs: list } : {}),
    ...(policy === "-" ? {} : { ipFamilyPolicy: policies[policy]! }),
    ...(families === "-" ? {} : { ipFamilies: [...families].map((f) => `IPv${f}`) }),
    ...(ips.endsWith("!") ? {} : { selector: { app: "web" } }),
  };
}

/** Policy and families as a row writes them; fails when addresses do not go with them. */
function outcome(spec: Spec, cluster: ClusterFacts): string {
  const families = spec.ipFamilies!;
  assert.equal(spec.clusterIP, spec.clusterIPs![0]);
  if (spec.clusterIP !== "None") {
    assert.deepEqual(spec.clusterIPs!.map(familyOf), families);
    for (const ip of spec.clusterIPs!) {
      const { serviceCIDR } = rangesByFamily(cluster).get(familyOf(ip))!;
      assert.ok(contains(mustParseCIDR(serviceCIDR), mustParseIP(ip)), `${ip} in ${serviceCIDR}`);
    }
  }
  return spec.ipFamilyPolicy![0] + families.map((f) => f[3]).join("");
}

const rowsOf = (table: string): string[] => table.trim().split("\n");

for (const [column, [name, cluster]] of clusters.entries())
  describe(`Services in a cluster of ${name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer({ cluster });
    });
    after(() => server.close());
    const create = (spec: Spec) => server.request("POST", url, { body: { metadata: { name: "web" }, spec } });
    const remove = async (): Promise<void> => {
      assert.equal((await server.request("DELETE", `${url}/web`)).status, 200);
    };

    for (const row of rowsOf(created)) {
      const [ips, policy, families, , ...wanted] = row.split(/\s+/);
      const want = wanted[column];
      if (want === ".") continue;
      test(`created: addresses ${ips}, policy ${policy}, families ${families}: ${want}`, async () => {
        const { status, body } = await create(specOf(ips!, policy!, families!));
        if (want === "x") return assert.equal(status, 422, JSON.stringify(body.spec));
        assert.equal(status, 201, body.message);
        await remove();
        assert.equal(outcome(body.spec, cluster), want);
        if (ips!.startsWith("None")) assert.deepEqual(body.spec.clusterIPs, ["None"]);
      });
    }

    if (!cluster.second) return;
    const [first, second] = cluster === testClusterDual ? "46" : "64";
    const real = (text: string): string => text.replaceAll("1", first!).replaceAll("2", second!);
    for (const row of rowsOf(updated)) {
      const [oldPolicy, oldIPs, , policy, families, ips, , want] = row.split(/\s+/);
      test(`${oldPolicy} with ${oldIPs} updated: policy ${policy}, families ${families}, addresses ${ips}: ${want}`, async () => {
        const made = await create(specOf(real(oldIPs!), oldPolicy!, "-"));
        assert.equal(made.status, 201, made.body.message);
        const body = { metadata: { name: "web" }, spec: specOf(real(ips!), policy!, real(families!)) };
        const put = await server.request("PUT", `${url}/web`, { body });
        const now = (await server.request("GET", `${url}/web`)).body.spec;
        await remove();
        if (want === "x") {
          assert.equal(put.status, 422, JSON.stringify(put.body.spec));
          assert.deepEqual(now, made.body.spec);
          return;
        }
        assert.equal(put.status, 200, put.body.message);
        const kept = (policy === "-" ? oldPolicy : policy)!;
        assert.equal(outcome(now, cluster), kept + real("12").slice(0, Number(want)));
        // What was let go of can be had again.
        if (oldIPs === "None") return;
        const all = await create(specOf(real("12"), "R", "-"));
        assert.equal(all.status, 201, all.body.message);
        await remove();
      });
    }
  });
