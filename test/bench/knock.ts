// A process for the endpoints bench: connects to an address again and again, until the first connection that is accepted
// (or refused), and says when that was. One connection at a time; an answer that does not come counts as refused after 5 ms.
import { connect } from "node:net";

interface Ask {
  host: string;
  port: number;
  until: "accepted" | "refused";
}

const limitMs = 20_000;

function knock(host: string, port: number): Promise<"accepted" | "refused"> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: "accepted" | "refused"): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end("refused"), 5);
    socket.once("connect", () => end("accepted"));
    socket.once("error", () => end("refused"));
  });
}

process.on("message", async ({ host, port, until }: Ask) => {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if ((await knock(host, port)) === until) {
      process.send!(String(process.hrtime.bigint()));
      return;
    }
    // The machine is left room for what is waited for.
    await new Promise((r) => setTimeout(r, 1));
  }
  process.send!(null);
});
