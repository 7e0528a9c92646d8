// pods/exec, pods/attach and pods/portforward: finds the node and container that are meant and connects the client with the
// kubelet there. SPDY clients get a tunnel of bytes; WebSocket clients are translated (see channels).

import { pods } from "../../../core/api/refs.ts";
import { badRequest, failure } from "../../../core/api/status.ts";
import { parseFlag } from "../../../core/logs/mod.ts";
import { dialErrorMessage, joinHostPort } from "../../../core/net/mod.ts";
import type { Upgrades, UpgradeTarget } from "../../client/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { chooseContainer } from "./container-choice.ts";
import { findKubelet } from "./node-address.ts";
import type { KubeletTls } from "./outgoing.ts";
import { serveTunnel, tunnelledProtocols } from "./port-forward-tunnel.ts";
import { serveRemoteCommand } from "./remote-command.ts";
import { requestedProtocols } from "./web-socket.ts";

export interface StreamServices {
  upgrades: Upgrades;
  tls: KubeletTls;
}

/** The kubelet's URL for the stream that is asked for. Throws Kubernetes' refusals. */
async function locate(context: ConnectContext, tls: KubeletTls): Promise<UpgradeTarget> {
  const { client, namespace, name, query, subresource } = context;
  const pod = await client.get(pods, name, { namespace });
  const params = new URLSearchParams();
  let path = [namespace ?? "", name];
  if (subresource === "portforward") {
    for (const port of query.getAll("ports")) params.append("port", port);
    path = ["portForward", ...path];
  } else {
    const container = chooseContainer(pod, query.get("container") ?? "");
    if (typeof container !== "string") throw container;
    for (const flag of ["stdin", "stdout", "stderr", "tty"])
      if (parseFlag(query.get(flag))) params.set(flag, "1");
    if (subresource === "exec") for (const word of query.getAll("command")) params.append("command", word);
    path = [subresource, ...path, container];
  }
  const { nodeName } = pod.spec ?? {};
  if (!nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const { host, port } = await findKubelet(client, nodeName);
  return {
    url: `https://${joinHostPort(host, port)}/${path.map(encodeURIComponent).join("/")}?${params}`,
    tls,
  };
}

export async function servePodStream(context: ConnectContext, services: StreamServices): Promise<void> {
  const target = await locate(context, services.tls);
  const { upgrade, request } = context;
  if (!upgrade) throw badRequest("Upgrade request required");
  const names = requestedProtocols(request);
  if (request.headers.upgrade?.toLowerCase() === "websocket") {
    if (context.subresource !== "portforward")
      return serveRemoteCommand(context, upgrade, target, services.upgrades);
    // Clients of the older form (channels a port) are served by the runtime itself.
    if (tunnelledProtocols(names).length > 0) return serveTunnel(context, upgrade, target, services.upgrades);
  }
  try {
    await services.upgrades.relay({ request, ...upgrade }, target);
  } catch (error) {
    if (upgrade.socket.destroyed) return;
    const { host } = new URL(target.url);
    throw failure(500, "InternalError", `error dialing backend: ${dialErrorMessage(error, host)}`);
  }
}
