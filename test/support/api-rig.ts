// Runs controllers beside the real API server, in process and with its store in memory.
import { createApiServer } from "../../src/control/apiserver/mod.ts";
import { createInformers, type KubeClient } from "../../src/control/client/mod.ts";
import type { ControllerContext, StartController } from "../../src/control/controllers/context.ts";
import { createMemoryLog, openStore } from "../../src/control/store/mod.ts";
import { definitions } from "../../src/core/api/kinds/mod.ts";
import { testCluster } from "./api-server.ts";
import { testSchema } from "./schema.ts";

export interface ApiRig {
  client: KubeClient;
  context: ControllerContext;
  /** What the controllers complained about. */
  log: { level: string; fields: object; message: string }[];
}

export async function startApiRig(
  t: { after(f: () => Promise<void>): void },
  starts: readonly StartController[],
  options: { now?: () => number; prepare?: (client: KubeClient) => Promise<void> } = {},
): Promise<ApiRig> {
  const store = openStore(createMemoryLog());
  const { client } = createApiServer({
    store,
    schema: await testSchema(),
    definitions,
    cluster: testCluster,
  });
  await client.create(
    { group: "", version: "v1", resource: "namespaces", kind: "Namespace", namespaced: false },
    { metadata: { name: "default" } },
  );
  await options.prepare?.(client);
  const log: ApiRig["log"] = [];
  const say =
    (level: string) =>
    (fields: object, message: string): void =>
      void log.push({ level, fields, message });
  const informers = createInformers(client);
  const context: ControllerContext = {
    client,
    informers,
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    now: options.now ?? Date.now,
    cluster: testCluster,
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
    await store.close();
  });
  return { client, context, log };
}

/** Waits until the check, which may ask the API, holds; throws what it last threw after `limitMs`. */
export async function eventuallyAsync(check: () => Promise<void>, limitMs = 5000): Promise<void> {
  const until = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }
}
