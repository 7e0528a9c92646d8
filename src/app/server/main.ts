// The server process: store, API, controllers, scheduler. Options and wiring only.
import { setMaxListeners } from "node:events";
import { readFileSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pino from "pino";
import { createConnectHandlers } from "../../control/apiserver/connect/mod.ts";
import {
  createApiServer,
  createTokenSigner,
  ensureBootstrapObjects,
  ensureClasses,
  expireEvents,
  keepBootstrapObjects,
} from "../../control/apiserver/mod.ts";
import { createQueueMetrics, errorFields } from "../../control/client/mod.ts";
import { startControllers } from "../../control/controllers/mod.ts";
import { startScheduler } from "../../control/scheduler/mod.ts";
import { openStore } from "../../control/store/mod.ts";
import { definitions } from "../../core/api/kinds/mod.ts";
import { loadSchema } from "../../core/api/schema/mod.ts";
import type { ServerConfig } from "../../core/cluster/config.ts";
import { createMetricPage } from "../../core/metrics/mod.ts";
import { createUpgrades } from "../../edge/http/mod.ts";
import { serveTls } from "../../edge/http/server.ts";
import { openLmdbLog } from "../../edge/lmdb/mod.ts";
import { createHostRoutes, createRouteWatch } from "../../edge/netns/mod.ts";
import { createNftTables } from "../../edge/nft/mod.ts";
import { readPlan } from "../cluster/configs.ts";
import { keepHost } from "../cluster/keep-host.ts";

/** What does not fit on a full disk is not logged: an error that is logged about in turn would never end. */
function writeLog(line: string): void {
  try {
    writeSync(1, line);
  } catch {}
}

const read = (file: string): string => readFileSync(file, "utf8");

/** EX_IOERR of sysexits. */
const brokenStore = 74;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (!values.config) throw new Error("--config FILE is needed: a ServerConfig as JSON");
  const config = JSON.parse(read(values.config)) as ServerConfig;
  const { cluster, pki } = config;
  const log = pino({ level: process.env.PORTOLAN_LOG_LEVEL ?? "info", base: null }, { write: writeLog });
  const onError = (error: unknown): void => log.error({ err: error }, "unexpected error");
  process.on("unhandledRejection", onError);
  process.on("uncaughtException", onError);

  const beside = (name: string): URL => new URL(`./${name}`, import.meta.url);
  const schema = loadSchema(JSON.parse(readFileSync(beside("schema.json"), "utf8")));
  const storeLog = openLmdbLog(join(config.dataDir, "store"), {
    // Whoever waits is answered first; the supervisor starts the server anew from what is on the disk.
    onBroken: () => void setTimeout(() => process.exit(brokenStore), 200),
  });
  const store = openStore(storeLog, { onError });
  const caCert = read(pki.caCert);
  const metrics = createMetricPage();
  /** Why a loop of the control plane runs no more. */
  const ended = new Map<string, string>();
  const api = createApiServer({
    metrics,
    store,
    schema,
    definitions,
    descriptions: async () => JSON.parse(await readFile(beside("descriptions.json"), "utf8")),
    connect: createConnectHandlers({
      kubelet: { ca: caCert, cert: read(pki.kubeletClient.cert), key: read(pki.kubeletClient.key) },
      upgrades: createUpgrades(),
    }),
    cluster,
    components: ["controller-manager", "scheduler"].map((name) => ({ name, check: () => ended.get(name) })),
    tokens: await createTokenSigner({
      publicKey: read(pki.serviceAccount.publicKey),
      privateKey: read(pki.serviceAccount.privateKey),
      issuer: `https://kubernetes.default.svc.${cluster.domain}`,
      now: Date.now,
    }),
    onError,
  });
  await ensureBootstrapObjects(api.client, cluster, caCert);
  await ensureClasses(api.client);
  const listening = await serveTls({
    handle: api.handle,
    upgrade: api.upgrade,
    cert: read(pki.serving.cert),
    key: read(pki.serving.key),
    clientCa: caCert,
    addresses: config.listen,
    onError,
  });
  for (const { host, port } of listening.addresses) log.info({ host, port }, "listening");

  const running = new AbortController();
  // Every informer listens to it.
  setMaxListeners(0, running.signal);
  void keepBootstrapObjects(api.client, { cluster, caCert, onError }, running.signal);
  const routeWatch = createRouteWatch();
  const hostRoutes =
    config.hostLink === undefined
      ? undefined
      : createHostRoutes(
          config.hostLink,
          [cluster, ...(cluster.second ? [cluster.second] : [])].map((r) =>
            r.serviceCIDR.includes(":") ? 6 : 4,
          ),
          routeWatch.reader(),
        );
  const plan = config.hostLink === undefined ? undefined : readPlan(cluster.name);
  const queues = createQueueMetrics(metrics, () => performance.now());
  const loops: [name: string, loop: Promise<unknown>][] = [
    [
      "controller-manager",
      startControllers({ client: api.client, cluster, caCert, log, hostRoutes, queues }, running.signal),
    ],
    ["scheduler", startScheduler({ client: api.client, log }, running.signal)],
  ];
  if (plan) {
    const host = { nft: createNftTables(), touched: routeWatch.reader(), log };
    loops.push(
      ["route-watch", routeWatch.run(running.signal)],
      ["host", keepHost(plan, host, running.signal)],
    );
  }
  for (const [name, loop] of loops)
    loop.catch((error) => {
      ended.set(name, String(error));
      log.error({ loop: name, ...errorFields(error) }, "a control loop ended");
    });

  const expiry = setInterval(() => expireEvents(store, Date.now()).catch(onError), 60_000);
  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    clearInterval(expiry);
    running.abort();
    await listening.close(1000);
    await store.close();
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
}

main().catch((error) => {
  console.error(`portolan server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
