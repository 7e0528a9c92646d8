// The other end of knock.ts: a process in a node's network namespace that connects to an address until it is accepted.
import { type ChildProcess, fork } from "node:child_process";

export const nanoseconds = (): bigint => process.hrtime.bigint();
export const msBetween = (from: bigint, to: bigint): number => Math.max(0, Number(to - from) / 1e6);

/** A process in the node's network namespace that connects again and again. */
export interface Knocker {
  /** The moment (on the machine's monotonic clock) from which connections are accepted, or refused. */
  wait(host: string, port: number, until: "accepted" | "refused"): Promise<bigint>;
  close(): void;
}

export function startKnocker(netns: string): Knocker {
  const child: ChildProcess = fork(new URL("./knock.js", import.meta.url), [], {
    execPath: "nsenter",
    execArgv: [`--net=/run/netns/${netns}`, "--", process.execPath],
  });
  return {
    wait(host, port, until) {
      return new Promise((resolve, reject) => {
        child.once("message", (at) =>
          at === null ? reject(new Error(`not ${until}`)) : resolve(BigInt(at as string)),
        );
        child.send({ host, port, until });
      });
    },
    close: () => void child.kill("SIGKILL"),
  };
}
