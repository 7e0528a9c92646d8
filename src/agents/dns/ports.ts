// What cluster DNS needs of the outside world: sockets, time, chance.

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export interface Listener {
  /** What it is bound to; the port is the real one where 0 was asked for. */
  readonly at: SocketAddress;
  close(): Promise<void>;
}

/**
 * Answers one message. Writes into `out` and returns the length, 0 for no answer; or promises an answer of its own, undefined
 * for none. `message` is the handler's to keep, `out` is not.
 */
export type MessageHandler = (message: Buffer, out: Buffer) => number | Promise<Buffer | undefined>;

export interface PlainResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface DnsSockets {
  listenUdp(at: SocketAddress, handler: MessageHandler): Promise<Listener>;
  /** DNS over TCP (RFC 7766): pipelined, bounded, closed when idle. */
  listenTcp(at: SocketAddress, handler: MessageHandler): Promise<Listener>;
  /** Asks from a port of its own; resolves with the first message that `accepts` takes. Rejects at the time limit. */
  askUdp(
    server: SocketAddress,
    query: Buffer,
    options: { timeoutMs: number; accepts(message: Buffer): boolean },
  ): Promise<Buffer>;
  askTcp(server: SocketAddress, query: Buffer, options: { timeoutMs: number }): Promise<Buffer>;
  /** GET by path; anything undefined is 404. */
  listenHttp(at: SocketAddress, handler: (path: string) => PlainResponse | undefined): Promise<Listener>;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;
