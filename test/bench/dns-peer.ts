// A process for the DNS bench: cluster DNS over a cluster in memory, or the floor, a bare UDP echo. Says "ready" when it is, and when
// asked how much memory the cluster has come to take.
import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { startDns } from "../../src/agents/dns/mod.ts";
import * as refs from "../../src/core/api/refs.ts";
import type { EndpointSlice, Namespace, Service } from "../../src/core/api/types.ts";
import { createDnsSockets } from "../../src/edge/udp/mod.ts";
import { createMemoryCluster } from "../support/memory-cluster.ts";

const [mode, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
export const clusterIPOf = (i: number): string => `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

/** What is in use, in JavaScript's heap and outside of it. */
const memory = async (): Promise<number> => {
  // What the first collection lets go of outside of the heap is gone after the second.
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

async function serveDns(): Promise<void> {
  const api = createMemoryCluster();
  api.put(refs.namespaces, { metadata: { name: "default" } } as Namespace);
  for (let i = 0; i < count; i++) {
    const clusterIP = clusterIPOf(i);
    api.put(refs.services, {
      metadata: { name: `svc-${i}`, namespace: "default", labels: { app: `a${i}` } },
      spec: { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP], ports: [{ name: "http", port: 80 }] },
    } as Service);
    api.put(refs.endpointSlices, {
      metadata: {
        name: `svc-${i}-1`,
        namespace: "default",
        labels: { "kubernetes.io/service-name": `svc-${i}` },
      },
      addressType: "IPv4",
      endpoints: [0, 1, 2].map((n) => ({ addresses: [`10.244.${(i * 3 + n) >> 8}.${(i * 3 + n) & 255}`] })),
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    } as EndpointSlice);
  }
  const before = await memory();
  const dns = startDns(
    {
      client: api,
      cluster: {
        domain: "cluster.local",
        dnsAddress: "10.96.0.10",
        podCIDR: "10.244.0.0/16",
        serviceCIDR: "10.96.0.0/12",
      },
      listen: [{ address: "127.0.0.1", port }],
      upstreams: [],
      sockets: createDnsSockets(),
      clock: {
        now: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
      },
      random: (below) => Math.floor(Math.random() * below),
      log: { info() {}, warn: (fields, message) => console.error(message, fields) },
      serial: 1,
    },
    new AbortController().signal,
  );
  await dns.ready;
  await new Promise((r) => setTimeout(r, 200));
  process.on("message", async () => process.send!({ memoryMB: ((await memory()) - before) / (1 << 20) }));
  process.send?.("ready");
}

async function serveEcho(): Promise<void> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.on("message", (message, from) => {
    message[2] = message[2]! | 0x80;
    socket.send(message, 0, message.length, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
  process.send?.("ready");
}

if (process.send && mode === "dns") await serveDns();
else if (process.send && mode === "echo") await serveEcho();
