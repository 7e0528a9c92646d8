import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Pod, Service } from "../../../core/api/types.ts";
import { slicesFollow } from "./slices-follow.ts";

const service: Service = {
  metadata: { name: "s", namespace: "d" },
  spec: {
    selector: { app: "web" },
    ports: [{ name: "w", port: 80, targetPort: 8080 }],
    ipFamilies: ["IPv4"],
  },
};
const pod = (ip: string, ready = true): Pod => ({
  metadata: { name: ip, namespace: "d" },
  status: { podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});
const slice = (port: number, ...ready: string[]): EndpointSlice => ({
  metadata: { name: "s-1", namespace: "d" },
  addressType: "IPv4",
  ports: [{ name: "w", port, protocol: "TCP" }],
  endpoints: ready.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
});
const not = (s: EndpointSlice): EndpointSlice => ({
  ...s,
  endpoints: s.endpoints!.map((e) => ({ ...e, conditions: { ready: false } })),
});
const [one, two] = ["10.0.0.1", "10.0.0.2"] as const;

const rows: [name: string, Pod[], EndpointSlice[], boolean][] = [
  ["no slice yet", [], [], false],
  ["an empty slice", [], [slice(8080)], true],
  ["both there", [pod(one), pod(two)], [slice(8080, one), slice(8080, two)], true],
  ["one not yet", [pod(one), pod(two)], [slice(8080, one)], false],
  ["one too many", [pod(one)], [slice(8080, one, two)], false],
  ["the port of before", [pod(one)], [slice(80, one)], false],
  ["a pod that is not ready", [pod(one, false)], [not(slice(8080, one))], true],
  ["a pod that is ready no more", [pod(one, false)], [slice(8080, one)], false],
];
for (const [name, pods, slices, wanted] of rows)
  test(`slices follow: ${name}`, () => assert.equal(slicesFollow(service, pods, slices), wanted));

test("without ports the addresses count", () => {
  const portless = { ...slice(0, one), ports: [{ name: "", protocol: "TCP" }] };
  assert.equal(
    slicesFollow({ ...service, spec: { ...service.spec!, ports: [] } }, [pod(one)], [portless]),
    true,
  );
});

test("slices without a selector are whose they are", () =>
  assert.equal(slicesFollow({ ...service, spec: { ports: [{ port: 80 }] } }, [], []), true));
