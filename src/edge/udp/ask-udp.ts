// One question to one server, from a port of its own: a connected socket hears "port unreachable" at once.
import { createSocket } from "node:dgram";
import type { DnsSockets } from "../../agents/dns/mod.ts";

export const askUdp: DnsSockets["askUdp"] = (server, query, { timeoutMs, accepts }) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
    let over = false;
    const finish = (settle: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const timer = setTimeout(
      () => fail(new Error(`${server.address} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
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
