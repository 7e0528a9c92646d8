// One command at a time where two would spoil each other's work: `up` and `down` of a cluster, and planning on a machine. The lock is an abstract Unix socket: the kernel lets go of it with the process
// that holds it, however that ends, and it leaves no file. Specification: unix(7), "abstract".
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";

const limitMs = 150_000;

/** Undefined when someone else holds it. */
function take(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Runs `work` when no other process of this network namespace works on the directory; calls `onWait` once if it must wait. */
export async function exclusively<T>(dir: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const id = createHash("sha256").update(dir).digest("hex").slice(0, 32);
  const end = performance.now() + limitMs;
  let lock = await take(`\0portolan-${id}`);
  if (!lock) onWait();
  while (!lock) {
    if (performance.now() > end)
      throw new Error(
        `another portolan command works in ${dir} and does not end; find it: ps -eo pid,args | grep portolan`,
      );
    await new Promise((r) => setTimeout(r, 50));
    lock = await take(`\0portolan-${id}`);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}
