// Whom a proxy request goes to: the pod's address and first port, a ready pod of the service, or the node.

import { randomInt } from "node:crypto";
import { endpointSlices, pods, services } from "../../../core/api/refs.ts";
import { badRequest, failure, isNotFound } from "../../../core/api/status.ts";
import { joinHostPort } from "../../../core/net/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { findKubelet } from "./node-address.ts";
import type { KubeletTls } from "./outgoing.ts";
import { isProxyableAddress } from "./proxied-address.ts";
import { splitSchemeNamePort } from "./scheme-name-port.ts";
import { endpointChoices, noEndpoints, servicePortName } from "./service-endpoint.ts";

export interface Backend {
  /** `http://10.0.0.1:80`, without path. */
  origin: string;
  host: string;
  tls?: KubeletTls | undefined;
}

async function podBackend(context: ConnectContext): Promise<Backend> {
  const { client, namespace, name: id } = context;
  const split = splitSchemeNamePort(id);
  if (!split) throw badRequest(`invalid pod request ${JSON.stringify(id)}`);
  const pod = await client.get(pods, split.name, { namespace });
  let { port } = split;
  if (port === "") {
    const first = (pod.spec?.containers ?? []).find((c) => (c.ports ?? []).length > 0)?.ports?.[0];
    if (first) port = String(first.containerPort);
  }
  const ip = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "";
  if (!isProxyableAddress(ip)) throw badRequest("address not allowed");
  return backendAt(split.scheme, ip, port);
}

function backendAt(scheme: string, ip: string, port: string, tls?: KubeletTls): Backend {
  const named = scheme === "" ? "http" : scheme;
  const host = port === "" ? (ip.includes(":") ? `[${ip}]` : ip) : joinHostPort(ip, port);
  // A port's name cannot be dialled; Go fails to look it up.
  if (port !== "" && !(/^\d+$/.test(port) && Number(port) <= 65535))
    throw failure(
      503,
      "ServiceUnavailable",
      `error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`,
    );
  return { origin: `${named}://${host}`, host, tls };
}

async function serviceBackend(context: ConnectContext): Promise<Backend> {
  const { client, namespace, name: id } = context;
  const split = splitSchemeNamePort(id);
  if (!split) throw badRequest(`invalid service request ${JSON.stringify(id)}`);
  const service = await client.get(services, split.name, { namespace });
  const portName = servicePortName(service, split.port);
  if (typeof portName !== "string") throw portName;
  const slices = await client.list(endpointSlices, {
    namespace,
    labelSelector: `kubernetes.io/service-name=${split.name}`,
  });
  for (const choice of endpointChoices(service, slices.items, portName, randomInt(2 ** 30) / 2 ** 30)) {
    const pod = await client.get(pods, choice.pod, { namespace }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    // A slice may be older than the pod's address: only an address that the pod has is dialled.
    const ips = (pod?.status?.podIPs ?? []).map((ip) => ip.ip);
    if (ips.includes(choice.host) && isProxyableAddress(choice.host))
      return backendAt(split.scheme, choice.host, String(choice.port));
  }
  throw noEndpoints(id);
}

async function nodeBackend(context: ConnectContext, tls: KubeletTls): Promise<Backend> {
  const split = splitSchemeNamePort(context.name);
  if (!split) throw badRequest(`invalid node request ${JSON.stringify(context.name)}`);
  const { host, port } = await findKubelet(context.client, split.name);
  if (split.port === "" || split.port === String(port)) return backendAt("https", host, String(port), tls);
  if (!isProxyableAddress(host)) throw badRequest("address not allowed");
  return backendAt(split.scheme, host, split.port);
}

/** Throws the refusal of what cannot be found, reached or allowed. */
export async function findBackend(context: ConnectContext, tls: KubeletTls): Promise<Backend> {
  if (context.resource === "services") return serviceBackend(context);
  if (context.resource === "nodes") return nodeBackend(context, tls);
  return podBackend(context);
}
