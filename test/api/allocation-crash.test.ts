// Addresses and node ports when the server is killed in the middle of everything: none is given twice, none is lost, and the
// IPAddress objects say what is so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KubeClient } from "../../src/control/client/mod.ts";
import { ipAddresses, services } from "../../src/core/api/refs.ts";
import { isNotFound, StatusError } from "../../src/core/api/status.ts";
import type { Service } from "../../src/core/api/types.ts";
import { eventually } from "../support/eventually.ts";
import { createServerProcess, type ServerProcess } from "../support/server-process.ts";

const nodePortRange = { from: 30000, to: 30119 };
const portCount = 120;
/** Of a /24, without the network's own and the last one. */
const addressCount = 254;
const clients = 16;
const namespace = "default";

let server: ServerProcess;
before(async () => {
  server = await createServerProcess({ serviceCIDR: "10.96.0.0/24", nodePortRange });
});
after(() => server.close());

const ports = [{ port: 80 }];
const specs: Service["spec"][] = [
  { ports },
  { type: "NodePort", ports },
  { type: "NodePort", ports: [...ports.map((p) => ({ ...p, name: "a" })), { name: "b", port: 81 }] },
  { type: "LoadBalancer", externalTrafficPolicy: "Local", ports },
];
const changes: object[] = [
  { spec: { type: "NodePort" } },
  { spec: { type: "ClusterIP" } },
  { spec: { type: "ExternalName", externalName: "example.com" } },
  { spec: { type: "LoadBalancer", externalTrafficPolicy: "Local" } },
  { spec: { type: "LoadBalancer", externalTrafficPolicy: "Cluster" } },
];

/** What the server has said to all clients together. */
interface Journal {
  /** Numbers by name, of Services that nobody writes to any more. */
  acknowledged: Map<string, string>;
  count(): void;
}

/** Makes, changes and deletes Services until the server is gone. Refusals (a full range, a type that cannot be) are answers. */
async function work(client: KubeClient, name: string, { acknowledged, count }: Journal): Promise<void> {
  const mine: string[] = [];
  for (let i = 0; ; i++) {
    try {
      const dice = (i * 7 + name.length * 3) % 5;
      const victim = mine[0];
      if (dice === 0 && victim !== undefined && mine.length > 3) {
        acknowledged.delete(victim);
        await client.delete(services, victim, { namespace });
        mine.shift();
      } else if (dice === 1 && victim !== undefined) {
        acknowledged.delete(victim);
        const changed = await client.patch(services, victim, changes[i % changes.length]!, {
          namespace,
          type: "merge",
        });
        acknowledged.set(victim, JSON.stringify(numbersOf(changed)));
      } else {
        const own = `${name}-${i}`;
        const spec = structuredClone(specs[i % specs.length]!);
        const made = await client.create(services, { metadata: { name: own }, spec } as Service, {
          namespace,
        });
        acknowledged.set(own, JSON.stringify(numbersOf(made)));
        mine.push(own);
      }
      count();
    } catch (error) {
      if (!(error instanceof StatusError)) return;
      const victim = mine.shift();
      if (victim !== undefined) {
        acknowledged.delete(victim);
        await client.delete(services, victim, { namespace }).catch(() => {});
      }
    }
  }
}

const addressesOf = (s: Service): string[] => (s.spec?.clusterIPs ?? []).filter((ip) => ip !== "None");
const portsOf = (s: Service): number[] =>
  [...(s.spec?.ports ?? []).map((p) => p.nodePort ?? 0), s.spec?.healthCheckNodePort ?? 0].filter(Boolean);
const numbersOf = (s: Service): unknown => [addressesOf(s), portsOf(s)];

async function list(client: KubeClient): Promise<Service[]> {
  return (await client.list(services)).items;
}

async function deleteHalf(client: KubeClient): Promise<void> {
  const own = (await list(client)).filter((s) => s.metadata.namespace === namespace);
  for (const [i, s] of own.filter((s) => s.metadata.name !== "kubernetes").entries())
    if (i % 2 === 0)
      await client.delete(services, s.metadata.name!, { namespace }).catch((error) => {
        // A load balancer's last finalizer was taken away just now.
        if (!isNotFound(error)) throw error;
      });
}

function assertUnique<T>(what: string, values: readonly T[]): void {
  const twice = values.filter((v, i) => values.indexOf(v) !== i);
  assert.deepEqual(twice, [], `${what} given twice`);
}

async function assertAgreement(client: KubeClient): Promise<void> {
  await eventually(async () => {
    const wanted = (await list(client))
      .flatMap((s) => addressesOf(s).map((ip) => `${ip} ${s.metadata.namespace}/${s.metadata.name}`))
      .sort();
    const found = (await client.list(ipAddresses)).items
      .map((a) => `${a.metadata.name} ${a.spec?.parentRef?.namespace}/${a.spec?.parentRef?.name}`)
      .sort();
    assert.deepEqual(found, wanted);
  }, 15_000);
}

test("killed four times while sixteen clients make, change and delete Services", async () => {
  let checked = 0;
  for (let round = 0; round < 4; round++) {
    const client = await server.start();
    await deleteHalf(client);
    const acknowledged = new Map<string, string>();
    let working: Promise<void>[] = [];
    let answers = 0;
    // In the middle of what the others have asked for by then.
    const enough = new Promise<void>((resolve) => {
      const count = (): void => void (++answers === 80 + round * 61 && resolve());
      working = Array.from({ length: clients }, (_, i) =>
        work(client, `r${round}-c${i}`, { acknowledged, count }),
      );
    });
    await Promise.race([enough, Promise.all(working)]);
    await server.kill();
    await Promise.all(working);
    const again = await server.start();
    const all = await list(again);
    assertUnique("addresses", all.flatMap(addressesOf));
    assertUnique("node ports", all.flatMap(portsOf));
    const stored = new Map(all.map((s) => [s.metadata.name!, JSON.stringify(numbersOf(s))]));
    for (const [name, numbers] of acknowledged) assert.equal(stored.get(name), numbers, name);
    checked += acknowledged.size;
    await assertAgreement(again);
    await server.kill();
  }
  assert.ok(checked > clients, `only ${checked} Services`);
});

test("afterwards both ranges can be filled to the last number", async () => {
  const client = await server.start();
  // Something goes, so that there is something to find again.
  await deleteHalf(client);
  let made = 0;
  const fill = async (spec: Service["spec"], full: RegExp): Promise<void> => {
    for (;;)
      try {
        const body = { metadata: { name: `fill-${made++}` }, spec: structuredClone(spec) } as Service;
        await client.create(services, body, { namespace });
      } catch (error) {
        assert.match((error as Error).message, full);
        return;
      }
  };
  // A LoadBalancer that is being taken down holds its port until its finalizer is gone.
  await eventually(async () => {
    const leaving = (await list(client)).filter((s) => s.metadata.deletionTimestamp);
    assert.deepEqual(leaving, []);
  }, 15_000);
  await fill(
    { type: "NodePort", ports },
    /^Internal error occurred: failed to allocate a nodePort: range is full$/,
  );
  await fill(
    { ports },
    /^Internal error occurred: failed to allocate a serviceIP for Service "fill-\d+": range is full$/,
  );
  const all = await list(client);
  const numbers = all.flatMap(portsOf);
  assertUnique("node ports", numbers);
  assert.equal(numbers.length, portCount);
  const addresses = all.flatMap(addressesOf);
  assertUnique("addresses", addresses);
  assert.equal(addresses.length, addressCount);
  await assertAgreement(client);
});
