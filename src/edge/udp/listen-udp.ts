// Answers datagrams, and leaves little behind for the garbage collector, whose pauses are what the slowest answers wait for:
// answers are written into one buffer, of which there is a view for each length. The kernel takes a datagram at once; where it
// does not, the buffer is left to what waits.
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { DnsSockets } from "../../agents/dns/mod.ts";

/** The most that is waited for upstream at a time; what comes above that is dropped, and its sender asks again. */
const maxPending = 4096;
/** The most that waits for room in the kernel. */
const maxQueued = 128;
const maxLength = 4096;

export const listenUdp: DnsSockets["listenUdp"] = async (at, handler) => {
  const socket = createSocket({
    type: at.address.includes(":") ? "udp6" : "udp4",
    reuseAddr: true,
    recvBufferSize: 4 << 20,
    // Answers go to addresses, never to names.
    lookup: (host, _options, done) => done(null, host, host.includes(":") ? 6 : 4),
  });
  let out = Buffer.allocUnsafeSlow(maxLength);
  let views: Buffer[] = [];
  let pending = 0;
  const ignore = (): void => {};
  const send = (bytes: Buffer, to: RemoteInfo): void => {
    try {
      // Without a callback it costs no turn of the event loop's queues, and an error is nobody's: a client that is gone is none
      // of ours.
      socket.send(bytes, to.port, to.address);
    } catch {
      // The socket closes while an answer comes from upstream.
    }
  };
  const later = (answer: Promise<Buffer | undefined>, to: RemoteInfo): void => {
    pending++;
    answer
      .then((bytes) => bytes && send(bytes, to), ignore)
      .finally(() => {
        pending--;
      });
  };
  socket.on("message", (message, from) => {
    if (pending >= maxPending || socket.getSendQueueCount() >= maxQueued) return;
    const result = handler(message, out);
    if (typeof result !== "number") later(result, from);
    else if (result > 0) {
      views[result] ??= out.subarray(0, result);
      send(views[result], from);
      if (socket.getSendQueueCount() === 0) return;
      out = Buffer.allocUnsafeSlow(maxLength);
      views = [];
    }
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
