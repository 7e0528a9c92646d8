// A SPDY/3.1 connection over an open socket: streams are Duplexes, and back-pressure is the socket's own in both directions
// (Kubernetes' SPDY has no flow control windows).
import type { Duplex } from "node:stream";
import {
  createFrameReader,
  createFrameWriter,
  dataHead,
  type Frame,
  maxDataLength,
} from "../../../core/spdy/mod.ts";
import { SpdyStream, type Wire } from "./spdy-stream.ts";

export type { SpdyStream } from "./spdy-stream.ts";

export interface SpdyConnection {
  /** Opens a stream and waits for the peer's reply. Rejects when it is refused, or after `timeoutMs`. */
  open(headers: Record<string, string>): Promise<SpdyStream>;
  /** Ends the connection once the streams that were ended have sent everything. */
  close(): void;
  destroy(): void;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
  /** Why the connection broke: the peer did not speak SPDY, or the socket failed. */
  readonly failure: Error | undefined;
}

export interface SpdyOptions {
  role: "client" | "server";
  /** What was read past the upgrade's headers. */
  head?: Buffer;
  /** Milliseconds for a stream to be accepted (30 s). */
  timeoutMs?: number;
  /** A stream that the peer opened; it is accepted. Absent: such streams are refused. */
  onStream?(stream: SpdyStream): void;
}

/** RST_STREAM status: nobody here takes streams. */
const refusedStream = 3;

export function createSpdyConnection(socket: Duplex, options: SpdyOptions): SpdyConnection {
  const { role, head, timeoutMs = 30_000, onStream } = options;
  const read = createFrameReader();
  const write = createFrameWriter();
  const streams = new Map<number, SpdyStream>();
  const waiting = new Map<number, (error: Error | undefined) => void>();
  const full = new Set<SpdyStream>();
  let drained: (() => void)[] = [];
  let nextId = role === "client" ? 1 : 2;
  let lastPeerId = 0;
  let failure: Error | undefined;

  const wire: Wire = {
    role,
    send(frame) {
      if (socket.writable) socket.write(write(frame));
    },
    sendData(id, fin, bytes, done) {
      if (!socket.writable) {
        done();
        return;
      }
      let room = true;
      let at = 0;
      do {
        const piece = bytes.subarray(at, at + maxDataLength);
        at += piece.length;
        socket.write(dataHead(id, fin && at >= bytes.length, piece.length));
        room = piece.length > 0 ? socket.write(piece) : true;
      } while (at < bytes.length);
      if (room) done();
      else drained.push(done);
    },
    want(stream, more) {
      if (more) full.delete(stream);
      else full.add(stream);
      if (full.size > 0) socket.pause();
      else if (socket.isPaused()) socket.resume();
    },
    forget(id) {
      streams.delete(id);
    },
  };

  function onPeerStream(frame: Extract<Frame, { kind: "syn-stream" }>): void {
    const mine = frame.id % 2 === nextId % 2;
    if (!onStream || mine || frame.id <= lastPeerId) {
      wire.send({ kind: "rst-stream", id: frame.id, status: refusedStream });
      return;
    }
    lastPeerId = frame.id;
    const stream = new SpdyStream(frame.id, frame.headers, wire);
    stream.on("error", () => {});
    streams.set(frame.id, stream);
    wire.send({ kind: "syn-reply", id: frame.id, fin: false, headers: new Map() });
    onStream(stream);
    if (frame.fin) stream.finish();
  }

  function onFrame(frame: Frame): void {
    switch (frame.kind) {
      case "data":
        streams.get(frame.id)?.receive(frame.bytes, frame.fin);
        return;
      case "syn-stream":
        onPeerStream(frame);
        return;
      case "syn-reply":
        waiting.get(frame.id)?.(undefined);
        if (frame.fin) streams.get(frame.id)?.finish();
        return;
      case "headers":
        if (frame.fin) streams.get(frame.id)?.finish();
        return;
      case "rst-stream":
        waiting.get(frame.id)?.(new Error("the stream was refused"));
        streams.get(frame.id)?.abandon();
        return;
      case "ping":
        // Pings with the other side's parity are its own: they go back as they came.
        if (frame.id % 2 !== (role === "client" ? 1 : 0)) wire.send(frame);
        return;
      default:
        return;
    }
  }

  function onData(chunk: Buffer): void {
    try {
      for (const frame of read(chunk)) onFrame(frame);
    } catch (error) {
      failure ??= error as Error;
      socket.destroy();
    }
  }

  function end(): void {
    for (const settle of [...waiting.values()]) settle(failure ?? new Error("the connection was closed"));
    for (const stream of [...streams.values()]) stream.abandon();
    const callbacks = drained;
    drained = [];
    for (const done of callbacks) done();
  }

  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      end();
      resolve();
    });
  });
  socket.on("data", onData);
  socket.on("end", () => {
    end();
    socket.end();
  });
  socket.on("error", (error) => {
    failure ??= error;
  });
  socket.on("drain", () => {
    const callbacks = drained;
    drained = [];
    for (const done of callbacks) done();
  });
  if (head && head.length > 0) onData(head);

  return {
    async open(given) {
      const id = nextId;
      nextId += 2;
      const headers = new Map(Object.entries(given));
      const stream = new SpdyStream(id, headers, wire);
      stream.on("error", () => {});
      streams.set(id, stream);
      const accepted = new Promise<void>((resolve, reject) => {
        const settle = (error: Error | undefined): void => {
          clearTimeout(timer);
          waiting.delete(id);
          if (error) reject(error);
          else resolve();
        };
        const timer = setTimeout(() => settle(new Error("the stream was not accepted in time")), timeoutMs);
        waiting.set(id, settle);
        if (socket.destroyed) settle(failure ?? new Error("the connection was closed"));
      });
      wire.send({ kind: "syn-stream", id, fin: false, headers });
      try {
        await accepted;
      } catch (error) {
        stream.abandon();
        stream.destroy();
        throw error;
      }
      return stream;
    },
    close() {
      const ending = [...streams.values()].filter(
        (s) => s.writableEnded && !s.writableFinished && !s.destroyed,
      );
      const gone = ending.map(
        (s) => new Promise((resolve) => s.once("finish", resolve).once("close", resolve)),
      );
      void Promise.all(gone).then(() => {
        wire.send({ kind: "go-away", lastId: lastPeerId, status: 0 });
        socket.end();
      });
    },
    destroy() {
      socket.destroy();
    },
    closed,
    get failure() {
      return failure;
    },
  };
}
