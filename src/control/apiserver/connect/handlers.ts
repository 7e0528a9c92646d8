// Every connect handler by its subresource: the one thing that the API server's request path looks up here.

import type { Upgrades } from "../../client/mod.ts";
import type { ConnectHandler, ConnectHandlers } from "../connect.ts";
import type { KubeletTls } from "./outgoing.ts";
import { servePodLog } from "./pod-log.ts";
import { servePodStream } from "./pod-streams.ts";
import { serveProxy } from "./proxy.ts";

export interface ConnectOptions {
  /** How the API server proves itself to the nodes' kubelet servers. */
  kubelet: KubeletTls;
  upgrades: Upgrades;
}

export function createConnectHandlers({ kubelet: tls, upgrades }: ConnectOptions): ConnectHandlers {
  const services = { tls, upgrades };
  const stream: ConnectHandler = (context) => servePodStream(context, services);
  const proxy: ConnectHandler = (context) => serveProxy(context, services);
  return {
    "pods/log": (context) => servePodLog(context, tls),
    "pods/exec": stream,
    "pods/attach": stream,
    "pods/portforward": stream,
    "pods/proxy": proxy,
    "services/proxy": proxy,
    "nodes/proxy": proxy,
  };
}
