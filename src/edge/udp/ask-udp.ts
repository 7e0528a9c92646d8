// One question to one server, from a port of its own. A connected UDP socket hears "port unreachable", but Linux keeps
// "network unreachable" from it; a TCP connection hears it. So a server that has not answered yet, and is slow, is also
// called over TCP: without an uplink that ends the wait at once.
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { DnsSockets, SocketAddress } from "../../agents/dns/mod.ts";

const slowMs = 60;
const unreachable = new Set(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "EACCES", "EPERM"]);

export function createAskUdp(): DnsSockets["askUdp"] {
  const answered = new Set<string>();
  return async (server, query, options) => {
    const key = `${server.address} ${server.port}`;
    try {
      const message = await askOnce(server, query, { ...options, known: answered.has(key) });
      answered.add(key);
      return message;
    } catch (error) {
      answered.delete(key);
      throw error;
    }
  };
}

function askOnce(
  server: SocketAddress,
  query: Buffer,
  options: { timeoutMs: number; accepts(message: Buffer): boolean; known: boolean },
): Promise<Buffer> {
  const { timeoutMs, accepts, known } = options;
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
    let over = false;
    let probe: ReturnType<typeof connect> | undefined;
    const finish = (settle: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      clearTimeout(slow);
      probe?.destroy();
      socket.close();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const timer = setTimeout(
      () => fail(new Error(`${server.address} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const slow = setTimeout(() => {
      if (known) return;
      probe = connect({ host: server.address, port: server.port });
      probe.on("connect", () => probe?.destroy());
      probe.on("error", (error: NodeJS.ErrnoException) => unreachable.has(error.code ?? "") && fail(error));
    }, slowMs);
    socket.on("error", fail);
    socket.on("message", (message) => {
      if (accepts(message)) finish(() => resolve(message));
    });
    socket.on("connect", () => {
      if (over) return;
      socket.send(query, (error) => error && fail(error));
    });
    socket.connect(server.port, server.address);
  });
}
