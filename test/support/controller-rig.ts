// Runs one controller against an in-memory cluster.
import { createInformers } from "../../src/control/client/mod.ts";
import type { ControllerContext, StartController } from "../../src/control/controllers/context.ts";
import type { ClusterFacts, ClusterRanges } from "../../src/core/cluster/config.ts";
import { createMemoryCluster, type MemoryCluster } from "./memory-cluster.ts";

const cluster: ClusterFacts = {
  name: "test",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/16",
  loadBalancerCIDR: "172.30.200.0/24",
  nodePortRange: { from: 30000, to: 32767 },
  dnsAddress: "10.96.0.10",
  apiServiceAddress: "10.96.0.1",
  apiServer: { host: "172.30.0.1", port: 6443 },
};

export interface Rig {
  cluster: MemoryCluster;
  context: ControllerContext;
  /** What the controllers complained about. */
  log: { level: string; fields: object; message: string }[];
}

/** `prepare` fills the cluster before the controllers list it. */
export async function startRig(
  t: { after(f: () => Promise<void> | void): void },
  starts: StartController[],
  options: { prepare?: (c: MemoryCluster) => void; now?: () => number; second?: ClusterRanges } = {},
): Promise<Rig> {
  const memory = createMemoryCluster();
  options.prepare?.(memory);
  const log: Rig["log"] = [];
  const say =
    (level: string) =>
    (fields: object, message: string): void =>
      void log.push({ level, fields, message });
  const informers = createInformers(memory);
  const context: ControllerContext = {
    client: memory,
    informers,
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    now: options.now ?? Date.now,
    cluster: { ...cluster, ...(options.second ? { second: options.second } : {}) },
    caCert: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
  };
  const stop = new AbortController();
  const runs = starts.map((start) => start(context));
  const running = [informers.run(stop.signal)];
  await informers.synced();
  running.push(...runs.map((run) => run(stop.signal)));
  t.after(async () => {
    stop.abort();
    await Promise.all(running);
  });
  return { cluster: memory, context, log };
}
