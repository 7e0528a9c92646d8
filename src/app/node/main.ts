// The node process: kubelet role with its HTTPS server, service proxy, cluster DNS. Options and wiring only; a node
// keeps serving what it knows while the server is away, and its death leaves containers and kernel tables as they are.
import { setMaxListeners } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  createKubeletMetrics,
  createKubeletServer,
  runLogRotation,
  startKubelet,
} from "../../agents/kubelet/mod.ts";
import { runLocalVolumes } from "../../agents/local-volumes/mod.ts";
import type { NodeConfig } from "../../core/cluster/config.ts";
import { joinHostPort } from "../../core/net/mod.ts";
import { createContainerdRuntime } from "../../edge/cri/mod.ts";
import { createHttpClient, createUpgrades, listenTls } from "../../edge/http/mod.ts";
import { readMachine, readRoom } from "../../edge/machine/mod.ts";
import { createPodFiles } from "../../edge/pod-volumes/mod.ts";
import { createProbeClient } from "../../edge/probe/mod.ts";
import { cgroupName } from "../cluster/paths.ts";
import { runDns } from "./dns.ts";
import { createNodeInformers } from "./informers.ts";
import { keepUplink } from "./keep-uplink.ts";
import { runProxy } from "./proxy.ts";

function log(message: string, detail?: object): void {
  console.error(JSON.stringify({ time: new Date().toISOString(), message, ...detail }));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (!values.config) throw new Error("--config FILE is needed: a NodeConfig as JSON");
  const config = JSON.parse(readFileSync(values.config, "utf8")) as NodeConfig;
  process.on("unhandledRejection", (error) => log("unhandled rejection", { error: String(error) }));
  process.on("uncaughtException", (error) => log("uncaught exception", { error: error.stack }));
  for (const dir of [config.rootDir, config.podLogDir]) mkdirSync(dir, { recursive: true });

  const ca = readFileSync(config.pki.caCert);
  const { host, port } = config.cluster.apiServer;
  const metrics = createKubeletMetrics({ nodeName: config.nodeName, host: joinHostPort(host, port) });
  const client = createHttpClient({
    onAnswer: metrics.requested,
    server: config.cluster.apiServer,
    ca,
    cert: readFileSync(config.pki.client.cert),
    key: readFileSync(config.pki.client.key),
  });
  const runtime = createContainerdRuntime(config.criSocket);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const informers = createNodeInformers(client, (resource, error) =>
    log("watch failed, trying again", { resource, error: String(error) }),
  );
  void informers.run(stop.signal);
  void runDns({ config, client, informers, log }, stop.signal);
  runProxy({ config, client, informers, log }, stop.signal).done.catch((error) => {
    log("the proxy's loop ended; the process starts anew", { error: String(error) });
    process.exit(1);
  });
  if (config.uplink) void keepUplink(config.uplink, log, stop.signal);
  const files = createPodFiles();
  void runLocalVolumes(
    {
      client,
      directories: files,
      nodeName: config.nodeName,
      directory: `${config.rootDir}/local-volumes`,
      log,
    },
    stop.signal,
  );
  const kubelet = startKubelet(
    {
      client,
      informers,
      runtime,
      imageMounts: runtime.imageMounts,
      files,
      probes: createProbeClient(),
      machine: readMachine(config.rootDir),
      room: () => readRoom(config.rootDir),
      nodeName: config.nodeName,
      addresses: [config.address, ...(config.second ? [config.second.address] : [])],
      podCIDRs: [config.podCIDR, ...(config.second ? [config.second.podCIDR] : [])],
      labels: config.labels,
      cluster: config.cluster,
      kubeletPort: config.kubeletPort,
      rootDir: config.rootDir,
      podLogDir: config.podLogDir,
      cgroupRoot: `/${cgroupName(config.cluster.name)}/${config.nodeName}`,
      metrics,
      log,
    },
    stop.signal,
  );
  void runLogRotation(
    {
      runtime: kubelet.runtimePort,
      now: Date.now,
      onError: (error) => log("log rotation", { error: String(error) }),
    },
    stop.signal,
  );
  const server = createKubeletServer({
    runtime: kubelet.runtimePort,
    upgrades: createUpgrades(),
    metrics: metrics.text,
    logFolder: config.podLogDir,
    now: Date.now,
    onError: (error) => log("kubelet server", { error: String(error) }),
  });
  const listening = await listenTls({
    // Both families, where the node has both.
    host: [config.address, config.second?.address].some((a) => a?.includes(":")) ? "::" : "0.0.0.0",
    port: config.kubeletPort,
    ca,
    cert: readFileSync(config.pki.serving.cert),
    key: readFileSync(config.pki.serving.key),
    handlers: server,
  });

  const end = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    void listening.close();
    client.close();
    runtime.close();
    process.exit(0);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

main().catch((error) => {
  log("node process ends", { error: error instanceof Error ? error.stack : String(error) });
  process.exit(1);
});
