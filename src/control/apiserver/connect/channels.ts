// The channels of a remote command over a WebSocket: one message is a channel's number and a piece of its bytes, raw or in
// base64, as each subprotocol has it. Pure. Specification: apimachinery's wsstream and KEP-4006 (v5, half-close).

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface ChannelProtocol {
  name: string;
  encoding: "binary" | "base64";
  /** How the end is told: a Status object, or (before v4) only the text of a failure. */
  status: "object" | "text";
  /** Whether `[255, channel]` closes a channel. */
  halfClose: boolean;
}

/** What exec and attach serve. A client that names no subprotocol speaks the first version. */
export const channelProtocols: readonly ChannelProtocol[] = [
  { name: "v5.channel.k8s.io", encoding: "binary", status: "object", halfClose: true },
  { name: "v4.channel.k8s.io", encoding: "binary", status: "object", halfClose: false },
  { name: "v4.base64.channel.k8s.io", encoding: "base64", status: "object", halfClose: false },
  { name: "channel.k8s.io", encoding: "binary", status: "text", halfClose: false },
  { name: "base64.channel.k8s.io", encoding: "base64", status: "text", halfClose: false },
  { name: "", encoding: "binary", status: "text", halfClose: false },
];

export type ChannelMessage =
  | { kind: "data"; channel: number; bytes: Buffer }
  | { kind: "close"; channel: number };

/** Undefined: the message says nothing (it is empty, or is no base64). */
export function parseMessage(protocol: ChannelProtocol, message: Buffer): ChannelMessage | undefined {
  if (message.length === 0) return undefined;
  if (protocol.encoding === "base64") {
    const text = message.toString("latin1", 1);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
    return { kind: "data", channel: message[0]! - 0x30, bytes: Buffer.from(text, "base64") };
  }
  if (protocol.halfClose && message[0] === channel.close)
    return message.length === 2 ? { kind: "close", channel: message[1]! } : undefined;
  return { kind: "data", channel: message[0]!, bytes: message.subarray(1) };
}

/** A message to send: text for the base64 protocols, bytes for the others. */
export function printMessage(protocol: ChannelProtocol, id: number, bytes: Buffer): string | Buffer {
  if (protocol.encoding === "base64") return `${id}${bytes.toString("base64")}`;
  return Buffer.concat([Buffer.of(id), bytes]);
}

/** What the error channel says at the end; undefined: nothing. `status` is the Status object's JSON. */
export function printStatus(protocol: ChannelProtocol, status: string): Buffer | undefined {
  if (protocol.status === "object") return Buffer.from(status);
  const { status: outcome, message } = JSON.parse(status) as { status?: string; message?: string };
  return outcome === "Success" ? undefined : Buffer.from(message ?? "unknown error");
}
