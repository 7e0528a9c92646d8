// Cluster DNS beside a bare UDP echo in Node, asked by the same client; its memory with ten thousand Services.
import { fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as packet from "dns-packet";
import type { Bench } from "./figure.ts";

const services = 10_000;
const seconds = 2;
/** Questions on the way at a time. */
const window = 400;

async function withPeer<T>(mode: string, port: number, work: (heapMB: number) => Promise<T>): Promise<T> {
  const child = fork(
    fileURLToPath(new URL("./dns-peer.js", import.meta.url)),
    [mode, `${port}`, `${services}`],
    {
      execArgv: ["--expose-gc"],
    },
  );
  try {
    const [message] = (await once(child, "message")) as [{ heapMB: number }];
    return await work(message.heapMB);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Answers a second. */
async function ask(port: number): Promise<number> {
  const queries = Array.from({ length: 1000 }, (_, i) =>
    packet.encode({
      type: "query",
      id: i,
      flags: packet.RECURSION_DESIRED,
      questions: [{ name: `svc-${i}.default.svc.cluster.local`, type: "A" }],
    }),
  );
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  let sent = 0;
  let answered = 0;
  let refused = 0;
  let open = true;
  const send = (): void => {
    if (open) socket.send(queries[sent++ % queries.length]!);
  };
  socket.on("message", (message) => {
    answered++;
    if ((message[3]! & 15) !== 0) refused++;
    send();
  });
  for (let i = 0; i < window; i++) send();
  await new Promise((r) => setTimeout(r, 500));
  const from = answered;
  const began = performance.now();
  await new Promise((r) => setTimeout(r, seconds * 1000));
  const rate = (answered - from) / ((performance.now() - began) / 1000);
  open = false;
  socket.close();
  if (refused > 0) throw new Error(`${refused} questions were refused`);
  return rate;
}

export const dns: Bench = {
  name: "dns",
  async run() {
    const echo = await withPeer("echo", 5353, () => ask(5353));
    const ours = await withPeer("dns", 5354, async (heapMB) => ({ heapMB, rate: await ask(5354) }));
    return [
      {
        what: `DNS answers, ${services} Services`,
        value: ours.rate,
        unit: "answers/s",
        against: { what: "a bare UDP echo in Node", value: echo },
      },
      {
        what: `DNS memory, ${services} Services of 3 endpoints`,
        value: ours.heapMB,
        unit: "MB",
        goal: "20",
        met: ours.heapMB <= 20,
      },
    ];
  },
};
