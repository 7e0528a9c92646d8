// Whether somebody changed this network namespace's routes, rules, links or addresses: `ip monitor` waits for the kernel to say
// so, which costs nothing while nothing happens. (The kernel does not tell of IPv4 routes that go with their link.) It is ended
// at the first change and started anew a while later, so that what changes all the time costs no more than looking all the time.
import { spawn } from "node:child_process";
import { pause } from "../../control/client/mod.ts";

export interface RouteWatch {
  /** A question of one's own: was there a change since it was last asked? Yes also while nobody can tell, and now and then. */
  reader(): () => boolean;
  /** Watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const restMs = 2000;
/** After so long it is known to listen. */
const startMs = 1000;
/** What the kernel does not tell is looked for that rarely. */
const seldomMs = 60_000;

export interface RouteWatchOptions {
  /** Default: `ip monitor` in this network namespace. */
  command?: readonly string[];
  restMs?: number;
  startMs?: number;
  seldomMs?: number;
}

export function createRouteWatch(options: RouteWatchOptions = {}): RouteWatch {
  const { command = ["ip", "monitor", "link", "address", "route", "rule"] } = options;
  const times = { restMs, startMs, seldomMs, ...options };
  /** Counts changes, and times when some may have gone unseen. */
  let changes = 0;
  let listening = false;

  /** Resolves at the first change, or when the program ends for another reason. */
  function firstChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const [file = "", ...args] = command;
      const child = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"] });
      const started = setTimeout(() => {
        listening = true;
        changes++;
      }, times.startMs);
      const end = (): void => {
        clearTimeout(started);
        signal.removeEventListener("abort", end);
        child.kill("SIGKILL");
        listening = false;
        changes++;
        resolve();
      };
      child.stdout.on("data", end);
      child.on("error", end);
      child.on("exit", end);
      signal.addEventListener("abort", end);
    });
  }

  return {
    reader() {
      let seen = -1;
      let at = 0;
      return () => {
        const now = performance.now();
        const yes = !listening || changes !== seen || now - at >= times.seldomMs;
        seen = changes;
        if (yes) at = now;
        return yes;
      };
    },
    async run(signal) {
      while (!signal.aborted) {
        await firstChange(signal);
        await pause(times.restMs, signal);
      }
    },
  };
}
