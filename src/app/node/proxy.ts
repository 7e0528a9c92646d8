// The service proxy on this node: its ports to nft and conntrack, its loop.
import { type ServiceProxy, startProxy } from "../../agents/proxy/mod.ts";
import { type InformerSource, type KubeClient, pause } from "../../control/client/mod.ts";
import type { NodeConfig } from "../../core/cluster/config.ts";
import { loopbackGuard } from "../../core/network/mod.ts";
import { createConntrack, createNftTables } from "../../edge/nft/mod.ts";
import { createHealthPorts, serveProxyHttp } from "../../edge/proxy-http/mod.ts";

export interface NodeProxyOptions {
  config: Pick<NodeConfig, "cluster" | "address" | "nodeName" | "podCIDR" | "second">;
  client: KubeClient;
  informers: InformerSource;
  log(message: string, detail?: object): void;
}

/** Runs until the signal aborts; the tables stay, so that traffic goes on. */
export function runProxy(
  { config, client, informers, log }: NodeProxyOptions,
  signal: AbortSignal,
): ServiceProxy {
  const say = (fields: object, message: string): void => log(`proxy: ${message}`, fields);
  const proxy = startProxy(
    {
      client,
      informers,
      nodeName: config.nodeName,
      cluster: config.cluster,
      nodeAddress: config.address,
      podCIDR: config.podCIDR,
      ...(config.second && config.cluster.second
        ? {
            second: {
              nodeAddress: config.second.address,
              podCIDR: config.second.podCIDR,
              serviceCIDR: config.cluster.second.serviceCIDR,
            },
          }
        : {}),
      nft: createNftTables(),
      conntrack: createConntrack(),
      clock: {
        now: () => performance.now(),
        wall: () => Date.now(),
        sleep: pause,
      },
      log: { info: say, warn: say },
      guards: [loopbackGuard],
      localAddresses: [config.cluster.dnsAddress],
      healthPorts: createHealthPorts((port, error) =>
        say({ port, error: error.message }, "a health check node port cannot be served"),
      ),
    },
    signal,
  );
  const http = serveProxyHttp({
    proxy,
    onError: (error) => say({ error: error.message }, "health and metrics cannot be served"),
  });
  signal.addEventListener("abort", () => http.close(), { once: true });
  return proxy;
}
