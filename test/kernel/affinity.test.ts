// sessionAffinity: ClientIP with real packets, the same rows in both families: IPv6's table knows a client by a hash of its
// address, and nobody may notice.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import type { Family } from "../../src/core/nft/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { ipBatch } from "../../src/edge/netns/mod.ts";
import { inPlace, type Lab, nodeAddress, nodeAddress6, openLab, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProgrammer, type Programmer } from "./programmer.ts";

let lab: Lab;
let kernels: Record<Family, Programmer>;
const numbers = Array.from({ length: 24 }, (_, i) => i + 100);
/** Addresses of the host, each a client of its own. */
const clientsOf = (family: Family): string[] =>
  numbers.map((n) => (family === "ip" ? `172.30.0.${n}` : `fd00:30::${n}`));
before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
  kernels = { ip: await openProgrammer(lab, "ip"), ip6: await openProgrammer(lab, "ip6") };
  await ipBatch([
    ...clientsOf("ip").map((a) => `address add ${a}/24 dev br-lab`),
    ...clientsOf("ip6").map((a) => `address add ${a}/64 dev br-lab nodad`),
  ]);
});
after(() => lab?.close());

const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

for (const family of ["ip", "ip6"] as const)
  describe(family === "ip" ? "IPv4" : "IPv6", () => {
    const [ip, node] =
      family === "ip"
        ? (["10.96.0.50", nodeAddress(0)] as const)
        : (["fd00:96::50", nodeAddress6(0)] as const);
    const clients = clientsOf(family);
    beforeEach(() => kernels[family].program([], []));

    const sticky = (timeoutSeconds: number, more: Parameters<typeof service>[2] = {}): Service =>
      service("web", ip, {
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds } },
        ...more,
      });
    function over(places: readonly Place[], name = "web"): EndpointSlice {
      const s = slice(name, places);
      if (family === "ip") return s;
      const endpoints = s.endpoints!.map((e, i) => ({ ...e, addresses: [places[i]!.address6] }));
      return { ...s, addressType: "IPv6", endpoints };
    }
    const program = (services: Service[], ...slices: EndpointSlice[]) =>
      kernels[family].program(services, slices);
    const all = (): Place[] => [lab.pod.a0!, lab.pod.b0!, lab.pod.a1!];

    /** The one endpoint that answers all of so many connections. */
    async function stays(from: Place, options: { address?: string; port?: number; client?: string } = {}) {
      const names = new Set<string>();
      for (let i = 0; i < 6; i++) {
        const { address = ip, port = 80, client } = options;
        const a = await from.dial(address, port, client === undefined ? {} : { from: client });
        names.add(a.name ?? a.error!);
      }
      assert.equal(names.size, 1, [...names].join());
      return [...names][0]!;
    }
    const everyClient = async (): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      for (const client of clients) found.set(client, await stays(lab.host, { client }));
      return found;
    };

    test("a client stays while others come and go, and moves when its endpoint goes", async () => {
      await program([sticky(10800)], over(all()));
      const first = await stays(lab.host);
      const mine = all().find((p) => p.name === first)!;
      const others = all().filter((p) => p !== mine);
      await program([sticky(10800)], over([others[0]!, mine]));
      assert.equal(await stays(lab.host), first);
      await program([sticky(10800)], over(all()));
      assert.equal(await stays(lab.host), first);
      await program([sticky(10800)], over(others));
      const second = await stays(lab.host);
      assert.ok(others.some((p) => p.name === second));
      await program([sticky(10800)], over(all()));
      assert.equal(await stays(lab.host), second);
    });

    test("clients are spread; those of an endpoint that goes move, all others stay", async () => {
      await program([sticky(10800)], over(all()));
      const before = await everyClient();
      assert.deepEqual([...new Set(before.values())].sort(), ["a0", "a1", "b0"]);
      const [gone, ...rest] = all();
      await program([sticky(10800)], over(rest));
      const then = await everyClient();
      for (const [client, name] of before)
        if (name === gone!.name) assert.ok(rest.some((p) => p.name === then.get(client)));
        else assert.equal(then.get(client), name);
      // Its return draws nobody back.
      await program([sticky(10800)], over(all()));
      assert.deepEqual(await everyClient(), then);
    });

    test("it is forgotten after the time-out, which each new connection begins anew", async () => {
      await program([sticky(2)], over(all()));
      const first = await stays(lab.host);
      for (let i = 0; i < 4; i++) {
        await pause(1000);
        assert.equal(await stays(lab.host), first);
      }
      const seen = new Set([first]);
      for (let i = 0; i < 12 && seen.size < 2; i++) {
        await pause(2300);
        seen.add(await stays(lab.host));
      }
      assert.ok(seen.size > 1, `only ${[...seen]}`);
    });

    test("a Service's cluster IP and node port have one memory; another Service has its own", async () => {
      const ports = [{ port: 80, nodePort: 30080 }];
      const other = { ...sticky(10800), metadata: { namespace: "default", name: "other" } };
      other.spec = { ...other.spec!, clusterIP: `${ip}1`, clusterIPs: [`${ip}1`] };
      await program([sticky(10800, { type: "NodePort", ports }), other], over(all()), over(all(), "other"));
      let differ = false;
      for (const client of clients) {
        const name = await stays(lab.host, { client });
        assert.equal(await stays(lab.host, { client, address: node, port: 30080 }), name);
        differ ||= (await stays(lab.host, { client, address: `${ip}1` })) !== name;
      }
      assert.ok(differ, "two Services gave two dozen clients the same endpoints");
    });

    test("all endpoints gone: refused; switched off again: connections spread", async () => {
      await program([sticky(10800)], over(all()));
      await stays(lab.host);
      await program([sticky(10800)], over([]));
      assert.equal(await stays(lab.host), "ECONNREFUSED");
      await program([sticky(10800)], over(all()));
      await stays(lab.host);
      await program([service("web", ip)], over(all()));
      const seen = new Set<string>();
      for (let i = 0; i < 60 && seen.size < 3; i++) seen.add((await lab.host.dial(ip, 80)).name!);
      assert.deepEqual([...seen].sort(), ["a0", "a1", "b0"]);
    });

    test("a client has one entry a Service, however many connections it makes", async () => {
      const nft = (verb: string): Promise<string> => {
        const [file = "", ...args] = inPlace(lab.node[0]!);
        return run(file, [...args, "nft", verb, "map", family, "portolan-lab", "affinity"]);
      };
      await nft("flush");
      await program([sticky(10800)], over(all()));
      await everyClient();
      await everyClient();
      assert.equal((await nft("list")).match(/expires/g)?.length, clients.length);
    });
  });
