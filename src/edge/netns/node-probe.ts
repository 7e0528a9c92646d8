// Whether a node is there: a connection to its proxy's health port. The kernel answers for a process that is busy, so a slow
// machine is not taken for a dead one.
import { connect } from "node:net";
import type { NodeAnswer } from "../../control/controllers/host-routes/mod.ts";

/** kube-proxy's --healthz-bind-address. */
const healthPort = 10256;
const limitMs = 1000;

export function probeNode(address: string, port = healthPort): Promise<NodeAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (answer: NodeAnswer): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.setTimeout(limitMs, () => end("silent"));
    socket.once("connect", () => end("serving"));
    socket.once("error", (e: NodeJS.ErrnoException) => end(e.code === "ECONNREFUSED" ? "refused" : "silent"));
  });
}
