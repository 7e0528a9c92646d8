// exec and attach for WebSocket clients: their channels become the SPDY streams that the kubelet's side speaks, with
// back-pressure both ways, and the command's end becomes a Status on the error channel.

import { once } from "node:events";
import type { WebSocket } from "ws";
import { failure, internalError, type Status } from "../../../core/api/status.ts";
import { parseFlag } from "../../../core/logs/mod.ts";
import { dialErrorMessage } from "../../../core/net/mod.ts";
import type { UpgradeAnswer, Upgrades, UpgradeTarget } from "../../client/mod.ts";
import type { ConnectContext } from "../connect.ts";
import {
  type ChannelProtocol,
  channel,
  channelProtocols,
  parseMessage,
  printMessage,
  printStatus,
} from "./channels.ts";
import { refusalText } from "./refusal-text.ts";
import { createSpdyConnection, type SpdyConnection, type SpdyStream } from "./spdy-connection.ts";
import { acceptWebSocket, chooseProtocol, refuseUpgrade } from "./web-socket.ts";

type Upgrade = NonNullable<ConnectContext["upgrade"]>;

interface Wanted {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** Bytes that may wait for a slow client before its command is held back. */
const maxWaiting = 1024 * 1024;
const spdyHeaders = { upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" };

function wantedStreams(query: URLSearchParams): Wanted {
  const on = (name: string): boolean => parseFlag(query.get(name));
  // A terminal has one output.
  return { stdin: on("stdin"), stdout: on("stdout"), stderr: on("stderr") && !on("tty"), tty: on("tty") };
}

/** Sends channel messages and waits while the client is slow. */
function createSender(socket: WebSocket, protocol: ChannelProtocol) {
  return (id: number, bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      let waits = false;
      socket.send(printMessage(protocol, id, bytes), (error) => {
        if (error) reject(error);
        else if (waits) resolve();
      });
      waits = socket.bufferedAmount > maxWaiting;
      if (!waits) resolve();
    });
}

async function copyOut(
  stream: SpdyStream | undefined,
  send: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  if (!stream) return;
  for await (const chunk of stream) await send(chunk as Buffer);
}

async function readError(stream: SpdyStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += (chunk as Buffer).length;
    if (size <= 64 * 1024) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The Status that the other side wrote, or one that says why there is none. */
function statusOf(text: string, connection: SpdyConnection): string {
  if (text !== "") {
    try {
      if (typeof (JSON.parse(text) as Status).status === "string") return text;
    } catch {
      // Worded below.
    }
    return JSON.stringify(internalError(`error stream protocol error: ${text}`).status);
  }
  const why = connection.failure?.message ?? "the connection to the node was closed";
  return JSON.stringify(internalError(`error reading from error stream: ${why}`).status);
}

/**
 * Opens the streams one after the other. The outgoing ones come last: the command starts with the last stream, and by then
 * what the client has sent (its terminal's size) should be on its way.
 */
async function openStreams(
  connection: SpdyConnection,
  wanted: Wanted,
  onInward: (inward: Map<number, SpdyStream>) => void,
) {
  const open = (streamtype: string): Promise<SpdyStream> => connection.open({ streamtype });
  const error = await open("error");
  const inward = new Map<number, SpdyStream>();
  if (wanted.tty) inward.set(channel.resize, await open("resize"));
  const stdin = wanted.stdin ? await open("stdin") : undefined;
  if (stdin) inward.set(channel.stdin, stdin);
  // The runtime reads no stdin before it has every stream, and with its queue full it would not see the next one opened.
  stdin?.cork();
  onInward(inward);
  const stdout = wanted.stdout ? await open("stdout") : undefined;
  const stderr = wanted.stderr ? await open("stderr") : undefined;
  stdin?.uncork();
  // Nothing is ever sent on the error stream.
  error.end();
  return { error, stdout, stderr };
}

/** What the client sends goes to these streams; while one of them is full the client waits. */
function copyIn(socket: WebSocket, protocol: ChannelProtocol, streams: Map<number, SpdyStream>): void {
  const full = new Set<SpdyStream>();
  const release = (stream: SpdyStream): void => {
    if (full.delete(stream) && full.size === 0) socket.resume();
  };
  for (const stream of streams.values()) {
    stream.on("drain", () => release(stream));
    stream.on("close", () => release(stream));
  }
  socket.on("message", (data) => {
    const message = parseMessage(protocol, data as Buffer);
    const stream = message && streams.get(message.channel);
    if (!stream || stream.writableEnded || stream.destroyed) return;
    if (message.kind === "close") stream.end();
    else if (message.bytes.length > 0 && !stream.write(message.bytes)) {
      full.add(stream);
      socket.pause();
    }
  });
}

/** Runs until the command, the client or the connection ends. */
async function translate(
  socket: WebSocket,
  protocol: ChannelProtocol,
  answer: UpgradeAnswer,
  wanted: Wanted,
): Promise<void> {
  const send = createSender(socket, protocol);
  const finish = async (status: string): Promise<void> => {
    const said = printStatus(protocol, status);
    if (said) await send(channel.error, said);
    socket.resume();
    socket.close(1000);
    await Promise.race([once(socket, "close"), new Promise((r) => setTimeout(r, 5000).unref())]);
    socket.terminate();
  };
  if (answer.kind === "refused") {
    await finish(JSON.stringify(refusalText(answer)));
    return;
  }
  const connection = createSpdyConnection(answer.socket, { role: "client", head: answer.head });
  socket.on("close", () => connection.destroy());
  if (socket.readyState !== socket.OPEN) connection.destroy();
  try {
    const streams = await openStreams(connection, wanted, (inward) => {
      copyIn(socket, protocol, inward);
      socket.resume();
    }).catch((error: Error) => {
      throw internalError(error.message);
    });
    // Tells the client that everything is connected, before the command says anything.
    await send(
      wanted.stdout ? channel.stdout : wanted.stderr ? channel.stderr : channel.error,
      Buffer.alloc(0),
    );
    const [said] = await Promise.all([
      readError(streams.error),
      copyOut(streams.stdout, (bytes) => send(channel.stdout, bytes)),
      copyOut(streams.stderr, (bytes) => send(channel.stderr, bytes)),
    ]);
    await finish(statusOf(said, connection));
  } finally {
    connection.close();
    setTimeout(() => connection.destroy(), 5000).unref();
  }
}

export async function serveRemoteCommand(
  context: ConnectContext,
  upgrade: Upgrade,
  target: UpgradeTarget,
  upgrades: Upgrades,
): Promise<void> {
  const { request, query } = context;
  const served = channelProtocols.map((p) => p.name);
  const protocol = channelProtocols.find((p) => p.name === chooseProtocol(request, served));
  const dial = async (): Promise<UpgradeAnswer> => {
    try {
      return await upgrades.open(target, spdyHeaders);
    } catch (error) {
      const why = `error dialing backend: ${dialErrorMessage(error, new URL(target.url).host)}`;
      throw failure(500, "InternalError", why);
    }
  };
  // v5 clients learn of every failure on the error channel; older ones expect the handshake itself to be refused.
  let answer: UpgradeAnswer | undefined;
  if (protocol && !protocol.halfClose) {
    answer = await dial();
    if (answer.kind === "refused") {
      refuseUpgrade(upgrade, answer.code, answer.body.toString("utf8"), answer.contentType || undefined);
      return;
    }
  }
  const socket = await acceptWebSocket(request, upgrade, served);
  if (!socket || !protocol) {
    if (answer?.kind === "open") answer.socket.destroy();
    return;
  }
  try {
    await translate(socket, protocol, answer ?? (await dial()), wantedStreams(query));
  } catch (error) {
    // The handshake is done, so the error channel is the only place left to say it.
    const status = (error as { status?: Status }).status ?? internalError((error as Error).message).status;
    const said = printStatus(protocol, JSON.stringify(status));
    if (socket.readyState === socket.OPEN && said)
      socket.send(printMessage(protocol, channel.error, said), () => {});
    socket.resume();
    socket.close(1000);
    setTimeout(() => socket.terminate(), 5000).unref();
  }
}
