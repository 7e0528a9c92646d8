// Runs controllers against an in-memory cluster, or against whatever client is given.
import { createInformers, type KubeClient } from "../../src/control/client/mod.ts";
import type { ControllerContext, StartController } from "../../src/control/controllers/context.ts";
import type { ClusterRanges } from "../../src/core/cluster/config.ts";
import { testCluster } from "./api-server.ts";
import { createMemoryCluster, type MemoryCluster } from "./memory-cluster.ts";

export interface RigOptions {
  now?: (() => number) | undefined;
  /** The second address family of the cluster. */
  second?: ClusterRanges | undefined;
}

export interface Controllers {
  context: ControllerContext;
  /** What the controllers complained about. */
  log: { level: string; fields: object; message: string }[];
  stop(): Promise<void>;
}

/** Resolves when their caches have their first lists. */
export async function runControllers(
  client: KubeClient,
  starts: readonly StartController[],
  { now = Date.now, second }: RigOptions,
): Promise<Controllers> {
  const log: Controllers["log"] = [];
  const say =
    (level: string) =>
    (fields: object, message: string): void =>
      void log.push({ level, fields, message });
  const informers = createInformers(client);
  const context: ControllerContext = {
    client,
    informers,
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    now,
    cluster: { ...testCluster, ...(second ? { second } : {}) },
    caCert: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
  };
  const stopping = new AbortController();
  const runs = starts.map((start) => start(context));
  const running = [informers.run(stopping.signal)];
  await informers.synced();
  running.push(...runs.map((run) => run(stopping.signal)));
  return {
    context,
    log,
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

export interface Rig extends Omit<Controllers, "stop"> {
  cluster: MemoryCluster;
}

/** `prepare` fills the cluster before the controllers list it. */
export async function startRig(
  t: { after(f: () => Promise<void> | void): void },
  starts: StartController[],
  options: RigOptions & { prepare?: (c: MemoryCluster) => void } = {},
): Promise<Rig> {
  const cluster = createMemoryCluster();
  options.prepare?.(cluster);
  const { stop, ...controllers } = await runControllers(cluster, starts, options);
  t.after(stop);
  return { cluster, ...controllers };
}
