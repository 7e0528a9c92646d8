// Whatever ends a bench run, nothing of it stays: signals and the death of whoever started it take down what it has started,
// and what a run that was killed outright has left is taken away by the next one.
import { existsSync, readdirSync } from "node:fs";
import { run } from "../../src/edge/command/mod.ts";
import { takeDownAbandoned, takeDownStanding } from "../support/cluster.ts";

/** Network namespaces of benches are named bench-PID-…, those of the kernel tests' lab plPID-…. */
export const benchNetns = (name: string): string => `bench-${process.pid}-${name}`;

async function removeNetns(gone: (pid: string) => boolean): Promise<void> {
  for (const name of existsSync("/run/netns") ? readdirSync("/run/netns") : []) {
    const pid = /^(?:bench-|pl)(\d+)-/.exec(name)?.[1];
    if (pid && gone(pid)) await run("ip", ["netns", "delete", name]).catch(() => undefined);
  }
}

/** Takes away what earlier runs have left. */
export async function clearUpBefore(): Promise<void> {
  await takeDownAbandoned("bench-");
  await removeNetns((pid) => !existsSync(`/proc/${pid}`));
}

/** From now on a signal takes down what this process has started, and then ends it. The answer: whether that has begun. */
export function clearUpAtEnd(): () => boolean {
  let ending = false;
  const end = (why: string, code: number): void => {
    if (ending) return;
    ending = true;
    console.error(`\n${why}: taking down what the benches have started`);
    Promise.all([takeDownStanding(), removeNetns((pid) => pid === `${process.pid}`)]).then(
      () => process.exit(code),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", () => end("interrupted", 130));
  process.on("SIGTERM", () => end("told to end", 143));
  process.on("SIGHUP", () => end("hung up", 129));
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end("whoever started this is gone", 143);
  }, 500).unref();
  return () => ending;
}
