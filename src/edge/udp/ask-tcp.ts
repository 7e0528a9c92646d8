// One question to one server over TCP (RFC 7766), on a connection of its own.
import { connect } from "node:net";
import type { DnsSockets } from "../../agents/dns/mod.ts";

export const askTcp: DnsSockets["askTcp"] = (server, query, { timeoutMs }) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    let received: Buffer = Buffer.alloc(0);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`${server.address} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.on("error", fail);
    socket.on("close", () => fail(new Error(`${server.address} closed the connection without an answer`)));
    socket.on("connect", () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length, 0);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      clearTimeout(timer);
      resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
      socket.destroy();
    });
  });
