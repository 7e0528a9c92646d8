// The server process: store, API, controllers, scheduler. Options and wiring only.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApiServer, ensureBootstrapObjects } from "../../control/apiserver/mod.ts";
import { openStore } from "../../control/store/mod.ts";
import { definitions } from "../../core/api/kinds/mod.ts";
import type { ServerConfig } from "../../core/cluster/config.ts";
import { listenTls } from "../../edge/http/server.ts";
import { openLmdbLog } from "../../edge/lmdb/mod.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (!values.config) throw new Error("--config FILE is needed: a ServerConfig as JSON");
  const config = JSON.parse(readFileSync(values.config, "utf8")) as ServerConfig;
  const onError = (error: unknown): void => console.error(error);
  process.on("unhandledRejection", onError);
  process.on("uncaughtException", onError);
  const store = openStore(openLmdbLog(join(config.dataDir, "store")), { onError });
  const { host, port } = config.cluster.apiServer;
  const api = createApiServer({ store, definitions, address: `${host}:${port}`, onError });
  await ensureBootstrapObjects(api.client, config.cluster);
  const listening = await listenTls({
    ...api,
    cert: readFileSync(config.pki.serving.cert, "utf8"),
    key: readFileSync(config.pki.serving.key, "utf8"),
    clientCa: readFileSync(config.pki.caCert, "utf8"),
    addresses: config.listen,
    onError,
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await listening.close(1000);
    await store.close();
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
}

main().catch((error) => {
  console.error(`portolan server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
