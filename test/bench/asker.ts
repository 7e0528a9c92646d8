// Asks cluster DNS for a name again and again, until the answer is one address.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import * as packet from "dns-packet";
import { nanoseconds } from "./knocker.ts";

export interface Asker {
  /** The moment (on the machine's monotonic clock) from which the name is that address. */
  wait(name: string, address: string): Promise<bigint>;
  close(): void;
}

const limitMs = 20_000;

export async function startAsker(server: string): Promise<Asker> {
  const socket: Socket = createSocket("udp4");
  socket.on("error", () => {});
  socket.connect(53, server);
  await once(socket, "connect");
  let id = 0;

  async function addresses(name: string): Promise<string[]> {
    id = (id + 1) & 0xffff;
    const own = id;
    socket.send(packet.encode({ type: "query", id, questions: [{ name, type: "A" }] }));
    return new Promise((resolve) => {
      const done = (list: string[]): void => {
        clearTimeout(timer);
        socket.off("message", read);
        resolve(list);
      };
      const timer = setTimeout(() => done([]), 50);
      const read = (message: Buffer): void => {
        const answer = packet.decode(message);
        if (answer.id === own)
          done((answer.answers ?? []).flatMap((a) => (a.type === "A" ? [a.data as string] : [])));
      };
      socket.on("message", read);
    });
  }

  return {
    async wait(name, address) {
      const end = performance.now() + limitMs;
      while (performance.now() < end) {
        const found = await addresses(name);
        if (found.length === 1 && found[0] === address) return nanoseconds();
        // The machine is left room for what is waited for.
        await sleep(1);
      }
      throw new Error(`${name} is not ${address} within ${limitMs} ms`);
    },
    close: () => socket.close(),
  };
}
