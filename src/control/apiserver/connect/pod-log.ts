// pods/log: validates what is asked, then streams the kubelet's answer, as a plain response or over a WebSocket
// (`binary.k8s.io`, `base64.binary.k8s.io`), as the API server does for any streamed object.

import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { pods } from "../../../core/api/refs.ts";
import { badRequest, failure, internalError, invalid, type StatusError } from "../../../core/api/status.ts";
import { parseFlag, parseLogOptions } from "../../../core/logs/mod.ts";
import { dialErrorMessage, joinHostPort } from "../../../core/net/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { chooseContainer } from "./container-choice.ts";
import { findKubelet } from "./node-address.ts";
import { type KubeletTls, readText, requestOutgoing } from "./outgoing.ts";
import { sendOverWebSocket } from "./web-socket-reader.ts";

const passedOn = [
  "follow",
  "previous",
  "timestamps",
  "sinceSeconds",
  "sinceTime",
  "tailLines",
  "limitBytes",
  "stream",
];

/** The refusal that a kubelet's answer stands for (the API server's generic response checker). */
function kubeletRefusal(code: number, text: string, name: string): StatusError {
  if (code === 400) return badRequest(text);
  if (code === 500) return internalError(text);
  const details = { name, kind: "pods/log" };
  if (code === 404)
    return failure(
      404,
      "NotFound",
      `the server could not find the requested resource ( pods/log ${name})`,
      details,
    );
  return failure(
    code,
    "Unknown",
    `the server responded with the status code ${code} but did not return more information ( pods/log ${name})`,
    details,
  );
}

export async function servePodLog(context: ConnectContext, tls: KubeletTls): Promise<void> {
  const { query, name, namespace, client, request } = context;
  const parsed = parseLogOptions(query, Date.now());
  if (parsed.kind === "error") throw badRequest(parsed.message);
  if (parsed.kind === "invalid") throw invalid({ group: "", kind: "PodLogOptions" }, name, parsed.errors);
  const pod = await client.get(pods, name, { namespace });
  const container = chooseContainer(pod, query.get("container") ?? "");
  if (typeof container !== "string") throw container;
  const { nodeName } = pod.spec ?? {};
  if (!nodeName) {
    context.response?.writeHead(204).end();
    context.upgrade?.socket.end("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    return;
  }
  const { host, port } = await findKubelet(client, nodeName);
  const asked = new URLSearchParams();
  for (const key of passedOn) if (query.get(key)) asked.set(key, query.get(key)!);
  for (const key of ["follow", "previous", "timestamps"])
    if (parseFlag(query.get(key))) asked.set(key, "true");
  const target = joinHostPort(host, port);
  const path = [namespace ?? "", name, container].map(encodeURIComponent).join("/");
  const url = `https://${target}/containerLogs/${path}?${asked}`;
  const stop = new AbortController();
  const closed = context.response ?? context.upgrade!.socket;
  closed.on("close", () => stop.abort());
  let answer: IncomingMessage;
  try {
    answer = await requestOutgoing({
      method: "GET",
      url,
      headers: {},
      tls,
      timeoutMs: 30_000,
      signal: stop.signal,
    });
  } catch (error) {
    if (stop.signal.aborted) return;
    throw failure(500, "InternalError", `Get ${JSON.stringify(url)}: ${dialErrorMessage(error, target)}`);
  }
  const code = answer.statusCode ?? 500;
  if (code < 200 || code > 206) throw kubeletRefusal(code, await readText(answer), name);
  if (context.upgrade) {
    await sendOverWebSocket(request, context.upgrade, answer);
    return;
  }
  const response = context.response!;
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  // A client that leaves ends the kubelet's follow; a kubelet that dies ends the client's response.
  await pipeline(answer, response).catch(() => {
    answer.destroy();
    response.destroy();
  });
}
