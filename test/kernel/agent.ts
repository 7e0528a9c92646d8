// One process in one network namespace: it serves TCP and UDP on ports (answering its name and the client's address) and
// dials on command. Commands and answers are JSON lines.
import dgram from "node:dgram";
import net from "node:net";
import { createInterface } from "node:readline";

const [name, listen, addresses] = process.argv.slice(2) as [string, string, string];

interface Dial {
  id: number;
  proto: "tcp" | "udp";
  address: string;
  port: number;
  /** Source address and port, when it matters. */
  from?: string;
  fromPort?: number;
  timeoutMs?: number;
}

const who = (address: string | undefined, port: number | undefined): string =>
  JSON.stringify({ name, client: (address ?? "").replace(/^::ffff:/, ""), clientPort: port });

function listenOn(port: number): Promise<void>[] {
  const tcp = net.createServer((s) => {
    s.on("error", () => {});
    // Answers at once, and again to every line: a long connection can ask whether it still reaches the same endpoint.
    s.write(`${who(s.remoteAddress, s.remotePort)}\n`);
    s.on("data", () => s.write(`${who(s.remoteAddress, s.remotePort)}\n`));
  });
  return [
    new Promise((resolve, reject) => tcp.on("error", reject).listen(port, "::", resolve)),
    ...addresses.split(",").map((address) => {
      // Bound to each address: from a wildcard socket the answer might leave with another source.
      const udp = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
      udp.on("message", (_, r) => udp.send(who(r.address, r.port), r.port, r.address));
      return new Promise<void>((resolve, reject) => udp.on("error", reject).bind(port, address, resolve));
    }),
  ];
}

function dialTcp(d: Dial): Promise<unknown> {
  return new Promise((resolve) => {
    const s = net.connect({ host: d.address, port: d.port, localAddress: d.from, localPort: d.fromPort });
    s.setTimeout(d.timeoutMs ?? 400, () => {
      resolve({ error: "timeout" });
      s.destroy();
    });
    s.on("error", (e: NodeJS.ErrnoException) => resolve({ error: e.code }));
    s.once("data", (data) => {
      resolve({ ...JSON.parse(data.toString()), localPort: s.localPort });
      s.destroy();
    });
  });
}

function dialUdp(d: Dial): Promise<unknown> {
  return new Promise((resolve) => {
    const s = dgram.createSocket(d.address.includes(":") ? "udp6" : "udp4");
    const finish = (answer: unknown): void => {
      clearTimeout(timer);
      try {
        s.close();
      } catch {}
      resolve(answer);
    };
    const timer = setTimeout(() => finish({ error: "timeout" }), d.timeoutMs ?? 400);
    s.on("error", (e: NodeJS.ErrnoException) => finish({ error: e.code }));
    s.on("message", (data) => finish(JSON.parse(data.toString())));
    s.bind(d.fromPort ?? 0, d.from, () => s.connect(d.port, d.address, (e?: Error) => !e && s.send("?")));
  });
}

/** A TCP connection that stays: `hold` opens it, `ask` sends a line and waits for the answer. */
const held = new Map<number, net.Socket>();

async function handle(line: string): Promise<void> {
  const c = JSON.parse(line) as Dial & { hold?: boolean; ask?: number };
  let answer: unknown;
  if (c.ask !== undefined) {
    const s = held.get(c.ask)!;
    answer = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ error: "timeout" }), 1000);
      s.once("data", (d) => {
        clearTimeout(timer);
        resolve(JSON.parse(d.toString()));
      });
      s.write("?\n");
    });
  } else if (c.hold) {
    answer = await new Promise((resolve) => {
      const s = net.connect({ host: c.address, port: c.port });
      s.on("error", (e: NodeJS.ErrnoException) => resolve({ error: e.code }));
      s.once("data", (d) => resolve(JSON.parse(d.toString())));
      held.set(c.id, s);
    });
  } else answer = await (c.proto === "tcp" ? dialTcp(c) : dialUdp(c));
  process.stdout.write(`${JSON.stringify({ id: c.id, ...(answer as object) })}\n`);
}

await Promise.all((listen ?? "").split(",").filter(Boolean).map(Number).flatMap(listenOn));
process.stdout.write('{"ready":true}\n');
createInterface({ input: process.stdin })
  .on("line", (l) => void handle(l))
  .on("close", () => process.exit(0));
