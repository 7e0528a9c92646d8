// A process in a pod's network namespace for the packets bench: opens one new TCP connection after the other and says how
// long each took, in milliseconds. The kernels answer each other; no process has a part in it but this one.
import { connect } from "node:net";

export interface Ask {
  hosts: string[];
  port: number;
}

function once(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const socket = connect({ host, port });
    socket.setTimeout(2000, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.once("error", reject);
    socket.once("connect", () => {
      const ms = Number(process.hrtime.bigint() - begin) / 1e6;
      socket.removeAllListeners("error");
      socket.on("error", () => {});
      socket.once("close", () => resolve(ms));
      socket.destroy();
    });
  });
}

process.on("message", async ({ hosts, port }: Ask) => {
  const times: number[] = [];
  try {
    for (const host of hosts) times.push(await once(host, port));
    process.send!({ times });
  } catch (error) {
    process.send!({ error: String(error) });
  }
});
