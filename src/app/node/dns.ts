// Cluster DNS on this node: its address on the loopback device, its sockets, its loop. A failed start is tried again, so
// that a node comes up whatever held its port.
import { randomInt } from "node:crypto";
import { startDns } from "../../agents/dns/mod.ts";
import { type InformerSource, type KubeClient, pause } from "../../control/client/mod.ts";
import type { NodeConfig } from "../../core/cluster/config.ts";
import { run } from "../../edge/command/mod.ts";
import { ipBatch } from "../../edge/netns/mod.ts";
import { createDnsSockets } from "../../edge/udp/mod.ts";

export interface NodeDnsOptions {
  config: Pick<NodeConfig, "cluster" | "address" | "dnsUpstreams">;
  client: KubeClient;
  informers: InformerSource;
  log(message: string, detail?: object): void;
}

/**
 * While this process is being started again its port is closed. A client that is told so fails at once; one that hears
 * nothing asks again, and is answered then. So the kernel is kept from telling.
 */
function keepSilent(cluster: string, address: string): string {
  const six = address.includes(":");
  const table = `${six ? "ip6" : "ip"} portolan-${cluster}-dns`;
  const refusal = six ? "icmpv6 type destination-unreachable" : "icmp type destination-unreachable";
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    `add chain ${table} output { type filter hook output priority 0; policy accept; }`,
    `add rule ${table} output ${six ? "ip6" : "ip"} saddr ${address} ${refusal} drop`,
    "",
  ].join("\n");
}

/** Runs until the signal aborts. Metrics are on the DNS address, port 9153. */
export async function runDns(options: NodeDnsOptions, signal: AbortSignal): Promise<void> {
  const { config, client, informers, log } = options;
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
      await run("nft", ["-f", "-"], { input: keepSilent(config.cluster.name, dnsAddress) });
      const dns = startDns(
        {
          client,
          informers,
          cluster: config.cluster,
          listen: [{ address: dnsAddress, port: 53 }],
          upstreams: config.dnsUpstreams,
          // Not on the node's own address: its ports belong to pods of the host's network. kube-dns names this one.
          status: { metrics: { address: dnsAddress, port: 9153 } },
          sockets: createDnsSockets(),
          clock: {
            now: () => performance.now(),
            sleep: pause,
          },
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
      await pause(1000, signal);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
