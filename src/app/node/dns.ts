// Cluster DNS on this node: its address on the loopback device, its sockets, its loop. A failed start is tried again, so
// that a node comes up whatever held its port.
import { randomInt } from "node:crypto";
import { startDns } from "../../agents/dns/mod.ts";
import type { KubeClient } from "../../control/client/mod.ts";
import type { NodeConfig } from "../../core/cluster/config.ts";
import { ipBatch } from "../../edge/netns/mod.ts";
import { createDnsSockets } from "../../edge/udp/mod.ts";

export interface NodeDnsOptions {
  config: Pick<NodeConfig, "cluster" | "address" | "dnsUpstreams">;
  client: KubeClient;
  log(message: string, detail?: object): void;
}

/** Runs until the signal aborts. `/health`, `/ready` and metrics are on the node's address, ports as CoreDNS has them. */
export async function runDns(options: NodeDnsOptions, signal: AbortSignal): Promise<void> {
  const { config, client, log } = options;
  const { dnsAddress } = config.cluster;
  const say = (fields: object, message: string): void => log(`dns: ${message}`, fields);
  while (!signal.aborted) {
    const attempt = new AbortController();
    const abort = (): void => attempt.abort();
    signal.addEventListener("abort", abort);
    try {
      await ipBatch([
        "link set lo up",
        `addr replace ${dnsAddress}/${dnsAddress.includes(":") ? 128 : 32} dev lo`,
      ]);
      const dns = startDns(
        {
          client,
          cluster: config.cluster,
          listen: [{ address: dnsAddress, port: 53 }],
          upstreams: config.dnsUpstreams,
          status: {
            health: { address: config.address, port: 8080 },
            ready: { address: config.address, port: 8181 },
            metrics: { address: config.address, port: 9153 },
          },
          sockets: createDnsSockets(),
          clock: { now: () => performance.now() },
          random: (below) => randomInt(below),
          log: { info: say, warn: say },
          serial: Math.floor(Date.now() / 1000),
        },
        attempt.signal,
      );
      await dns.ready;
      await dns.done;
    } catch (error) {
      attempt.abort();
      log("dns could not start; trying again in a second", { error: String(error) });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
