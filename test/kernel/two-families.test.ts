// One proxy with the tables of both families: each change reaches both, UDP flows of both leave endpoints that are gone, and
// health check node ports count the endpoints of the family that a Service has.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import * as refs from "../../src/core/api/refs.ts";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import { eventually } from "../support/eventually.ts";
import { nodeAddress, nodeAddress6, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProxyRig } from "./proxy-rig.ts";

const ips = ["10.96.0.50", "fd00:96::50"] as const;

const rig = openProxyRig([["a0", "b0"]], 5000);
const { becomes } = rig;
let served = new Map<number, () => { status: number; body: string }>();
const start = () =>
  rig.start({
    dual: true,
    healthPorts: {
      serve(ports) {
        served = new Map(ports);
      },
      close() {},
    },
  });
beforeEach(start);
afterEach(() => assert.deepEqual(rig.proxy.warnings, []));

const dual = (spec: object): Service =>
  service("web", ips[0], { clusterIPs: [...ips], ipFamilies: ["IPv4", "IPv6"], ...spec });

/** The slices of both families over those pods. */
function put(places: Place[], port: { port: number; protocol: string }): void {
  const four = slice("web", places, [port]);
  const six: EndpointSlice = {
    ...four,
    metadata: { ...four.metadata, name: "web-6" },
    addressType: "IPv6",
    endpoints: four.endpoints!.map((e, i) => ({ ...e, addresses: [places[i]!.address6] })),
  };
  rig.api.put(refs.endpointSlices, four);
  rig.api.put(refs.endpointSlices, six);
}

test("each change reaches both tables, and the flows of both", async () => {
  const { a0, b0 } = rig.lab.pod as Record<string, Place>;
  const udp = { port: 8080, protocol: "UDP" };
  rig.api.put(
    refs.services,
    dual({ type: "NodePort", ports: [{ port: 53, protocol: "UDP", nodePort: 30053 }] }),
  );
  const ways: (() => Promise<{ name?: string; error?: string }>)[] = [
    ...ips.map((ip) => () => b0!.dial(ip, 53, { proto: "udp", fromPort: 40000 })),
    ...[nodeAddress(0), nodeAddress6(0)].map(
      (ip) => () => rig.lab.host.dial(ip, 30053, { proto: "udp", fromPort: 40000 }),
    ),
  ];
  for (const places of [[a0!], [b0!], []]) {
    put(places, udp);
    for (const dial of ways) await becomes(places[0]?.name ?? "ECONNREFUSED", dial);
  }
  rig.api.remove(refs.services, "default/web");
  for (const dial of ways.slice(0, 2)) await becomes("timeout", dial);
});

test("a health check node port counts the endpoints of the family that there is", async () => {
  const six = (healthCheckNodePort: number): Service =>
    service("web", ips[1], {
      ipFamilies: ["IPv6"],
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort,
    });
  rig.api.put(refs.services, six(31000));
  await eventually(() => assert.equal(served.get(31000)?.().status, 503), 5000);
  put([rig.lab.pod.a0!, rig.lab.pod.b0!], { port: 80, protocol: "TCP" });
  await eventually(() => assert.match(served.get(31000)!().body, /"localEndpoints": 2/), 5000);
  assert.equal(served.get(31000)!().status, 200);
  rig.api.remove(refs.services, "default/web");
  await eventually(() => assert.equal(served.size, 0), 5000);
});

test("a proxy that starts again changes nothing in either table, and clients stay where they were", async () => {
  const { a0, b0 } = rig.lab.pod as Record<string, Place>;
  rig.api.put(refs.services, dual({ sessionAffinity: "ClientIP" }));
  put([a0!, b0!], { port: 80, protocol: "TCP" });
  for (const ip of ips) await eventually(async () => assert.ok((await rig.lab.host.dial(ip, 80)).name), 5000);
  const where = () => Promise.all(ips.map(async (ip) => (await rig.lab.host.dial(ip, 80)).name));
  const before = await where();
  await rig.end();
  const { scripts } = await start();
  assert.deepEqual(scripts, []);
  assert.deepEqual(await where(), before);
});
