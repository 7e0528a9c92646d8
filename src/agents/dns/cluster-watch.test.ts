import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster } from "../../../test/support/memory-cluster.ts";
import { createInformers } from "../../control/client/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type { EndpointSlice, Namespace, Service } from "../../core/api/types.ts";
import { createClusterDirectory } from "../../core/network/dns/mod.ts";
import { watchCluster } from "./cluster-watch.ts";

const service = (name: string, clusterIP: string): Service => ({
  metadata: { namespace: "ns", name },
  spec: { clusterIP, ports: [{ name: "http", port: 80 }] },
});

const slice = (name: string, of: string, address: string): EndpointSlice => ({
  metadata: { namespace: "ns", name, labels: { "kubernetes.io/service-name": of } },
  addressType: "IPv4",
  endpoints: [{ addresses: [address] }],
});

for (const shared of [false, true])
  describe(`the directory follows the API, by ${shared ? "shared" : "its own"} informers`, () => {
    async function follow(t: { after(f: () => void): void }) {
      const api = createMemoryCluster();
      api.put<Namespace>(refs.namespaces, { metadata: { name: "ns" } });
      api.put(refs.services, service("web", "10.96.0.50"));
      api.put(refs.endpointSlices, slice("web-1", "web", "10.244.0.2"));
      const stop = new AbortController();
      t.after(() => stop.abort());
      const directory = createClusterDirectory();
      const informers = createInformers(api);
      if (shared) void informers.run(stop.signal);
      const errors: unknown[] = [];
      const watch = watchCluster(
        {
          client: api,
          informers: shared ? informers : undefined,
          directory,
          rangesOf: () => [],
          onError: (e) => errors.push(e),
        },
        stop.signal,
      );
      await watch.synced;
      assert.ok(watch.hasSynced);
      return { api, directory, errors };
    }

    test("what is there, what changes and what goes", async (t) => {
      const { api, directory, errors } = await follow(t);
      assert.ok(directory.hasNamespace("ns"));
      assert.deepEqual(directory.service("ns", "web")?.addresses, ["10.96.0.50"]);
      const addresses = (): string[] => directory.slices("ns", "web").flatMap((s) => [...s.addresses]);
      assert.deepEqual(addresses(), ["10.244.0.2"]);
      api.change(refs.endpointSlices, "ns/web-1", (s) => {
        s.endpoints![0]!.addresses = ["10.244.0.3"];
      });
      api.remove(refs.services, "ns/web");
      api.remove(refs.namespaces, "ns");
      await eventually(() => assert.equal(directory.hasNamespace("ns"), false));
      await eventually(() => assert.deepEqual(addresses(), ["10.244.0.3"]));
      assert.equal(directory.service("ns", "web"), undefined);
      assert.deepEqual(errors, []);
    });

    test("what is no news to DNS leaves its answers as they are", async (t) => {
      const { api, directory } = await follow(t);
      const before = directory.generation;
      for (const note of ["one", "two"])
        api.change(refs.services, "ns/web", (s) => {
          s.metadata.annotations = { note };
        });
      api.put(refs.services, service("last", "10.96.0.51"));
      await eventually(() => assert.ok(directory.service("ns", "last")));
      assert.equal(directory.generation, before + 1);
    });
  });
