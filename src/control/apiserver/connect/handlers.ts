// Every connect handler by its subresource: the one thing that the API server's request path looks up here.

import { failure } from "../../../core/api/status.ts";
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

/** Refuses methods that the subresource does not have. */
function only(methods: readonly string[], handler: ConnectHandler): ConnectHandler {
  return async (context) => {
    if (!methods.includes(context.request.method ?? ""))
      throw failure(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
      );
    await handler(context);
  };
}

export function createConnectHandlers({ kubelet: tls, upgrades }: ConnectOptions): ConnectHandlers {
  const services = { tls, upgrades };
  // WebSockets begin with GET, SPDY with POST.
  const stream = only(["GET", "POST"], (context) => servePodStream(context, services));
  const proxy: ConnectHandler = (context) => serveProxy(context, services);
  return {
    "pods/log": only(["GET"], (context) => servePodLog(context, tls)),
    "pods/exec": stream,
    "pods/attach": stream,
    "pods/portforward": stream,
    "pods/proxy": proxy,
    "services/proxy": proxy,
    "nodes/proxy": proxy,
  };
}
