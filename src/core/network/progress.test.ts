import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lease, Service } from "../api/types.ts";
import {
  isSameToProxies,
  nodeOfProgress,
  parseProgress,
  printProgress,
  progressLeaseName,
  slowest,
} from "./progress.ts";

test("progress is read as it was written, and nothing else is", () => {
  const p = { services: 1234, slices: 5 };
  assert.deepEqual(parseProgress(printProgress(p)), p);
  for (const text of ["", "services=1", "services=-1,endpointslices=2", "services=1,endpointslices=2,x"])
    assert.equal(parseProgress({ "portolan.dev/programmed": text }), undefined, text);
  assert.equal(parseProgress(undefined), undefined);
});

test("the Lease of a node", () => {
  const lease = (namespace: string, name: string): Lease => ({ metadata: { namespace, name } });
  assert.equal(nodeOfProgress(lease("kube-system", progressLeaseName("node-1"))), "node-1");
  assert.equal(nodeOfProgress(lease("kube-node-lease", "node-1")), undefined);
  assert.equal(nodeOfProgress(lease("kube-system", "other")), undefined);
});

test("the slowest of two families, each number by itself", () =>
  assert.deepEqual(
    slowest([
      { services: 3, slices: 9 },
      { services: 7, slices: 8 },
    ]),
    { services: 3, slices: 8 },
  ));

test("what is the same to proxies", () => {
  const base: Service = { metadata: { name: "s", namespace: "d" }, spec: { ports: [{ port: 80 }] } };
  const rows: [string, Partial<Service>, boolean][] = [
    ["a condition", { status: { loadBalancer: {}, conditions: [] } }, true],
    ["a label", { metadata: { ...base.metadata, labels: { a: "b" }, resourceVersion: "9" } }, true],
    ["a port", { spec: { ports: [{ port: 81 }] } }, false],
    ["an address", { status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } } }, false],
    [
      "another proxy",
      { metadata: { ...base.metadata, labels: { "service.kubernetes.io/service-proxy-name": "" } } },
      false,
    ],
  ];
  for (const [name, change, same] of rows)
    assert.equal(isSameToProxies(base, { ...base, ...change }), same, name);
});
