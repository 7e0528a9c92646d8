// Answers datagrams. Answers are written into a ring of buffers: the kernel takes a datagram at once, and where it does not,
// the buffer is not used again before 127 others were.
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { DnsSockets } from "../../agents/dns/mod.ts";

const ringSize = 128;
/** The most that is waited for upstream at a time; what comes above that is dropped, and its sender asks again. */
const maxPending = 4096;

export const listenUdp: DnsSockets["listenUdp"] = async (at, handler) => {
  const socket = createSocket({
    type: at.address.includes(":") ? "udp6" : "udp4",
    reuseAddr: true,
    recvBufferSize: 4 << 20,
    // Answers go to addresses, never to names.
    lookup: (host, _options, done) => done(null, host, host.includes(":") ? 6 : 4),
  });
  const ring = Array.from({ length: ringSize }, () => Buffer.allocUnsafe(4096));
  let turn = 0;
  let pending = 0;
  const ignore = (): void => {};
  const send = (bytes: Buffer, length: number, to: RemoteInfo): void => {
    try {
      // A client that is gone is no error of ours.
      socket.send(bytes, 0, length, to.port, to.address, ignore);
    } catch {
      // The socket closes while an answer comes from upstream.
    }
  };
  socket.on("message", (message, from) => {
    turn = (turn + 1) % ringSize;
    const out = ring[turn]!;
    if (pending >= maxPending) return;
    const result = handler(message, out);
    if (typeof result === "number") {
      if (result > 0) send(out, result, from);
      return;
    }
    pending++;
    result
      .then((bytes) => bytes && send(bytes, bytes.length, from), ignore)
      .finally(() => {
        pending--;
      });
  });
  // Our lookup answers at once, so binding may be over before bind returns.
  const listening = once(socket, "listening");
  socket.bind({ address: at.address, port: at.port });
  await listening;
  socket.on("error", ignore);
  const bound = socket.address();
  return {
    at: { address: bound.address, port: bound.port },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};
