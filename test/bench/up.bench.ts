// From nothing to the first answer through a Service's name (the steps of minikube's time-to-k8s), and back to nothing;
// then what the idle cluster keeps in memory and takes of a core.
import { spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { findProcesses } from "../../src/app/cluster/processes.ts";
import { runCommand, startCluster, type TestCluster } from "../support/cluster.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

interface Times {
  api: number;
  ready: number;
  answer: number;
  down: number;
  floor: number;
}

/** A bare TLS-less Node server started and asked once: the least that any start can take. */
async function bareStart(): Promise<number> {
  const start = performance.now();
  const code = `require("node:http").createServer((q, r) => r.end("ok")).listen(0, "127.0.0.1", function () { process.send(this.address().port) })`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const port = await new Promise<number>((resolve) => child.once("message", (m) => resolve(m as number)));
  await fetch(`http://127.0.0.1:${port}`).then((r) => r.text());
  const time = performance.now() - start;
  child.kill("SIGKILL");
  return time;
}

/** Milliseconds of the steps that `up` printed, summed up to and with the one that matches. */
function upTo(output: string, last: RegExp): number {
  let sum = 0;
  for (const [, title, value, unit] of output.matchAll(/ ✓ (.*?) +([\d.]+) (ms|s)$/gm)) {
    sum += Number(value) * (unit === "s" ? 1000 : 1);
    if (last.test(title!)) return sum;
  }
  throw new Error(`up printed no step ${last}:\n${output}`);
}

async function firstAnswer(cluster: TestCluster): Promise<number> {
  const start = performance.now();
  await cluster.ok("run", "web", "--image=nginx", "--port=80", "--expose");
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers(["10.96.0.10"]);
  while (performance.now() - start < 30_000) {
    const [address] = await resolver.resolve4("web.default.svc.cluster.local").catch(() => []);
    if (address) {
      const answer = await fetch(`http://${address}`, { signal: AbortSignal.timeout(300) }).catch(
        () => undefined,
      );
      if (answer?.status === 200) return performance.now() - start;
    }
    await new Promise((r) => setTimeout(r, 10));
  }
  throw new Error("no answer through the Service's name within 30 s");
}

/** CPU time of a process and its waited-for children, in seconds (proc(5), utime, stime, cutime and cstime in clock ticks). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0) / 100;
}

export const upDown: Bench = {
  name: "up",
  async run() {
    const rounds: Times[] = [];
    let memory = 0;
    let cpu = 0;
    for (let i = 0; i < 3; i++) {
      const floor = await bareStart();
      const cluster = await startCluster("bench-up");
      try {
        const answer = await firstAnswer(cluster);
        const ready = upTo(cluster.upOutput, /^DNS answers/);
        if (i === 2) {
          await cluster.ok("delete", "pod,service", "web", "--grace-period=1");
          await new Promise((r) => setTimeout(r, 15_000));
          const processes = findProcesses("bench-up");
          memory = processes.reduce((sum, p) => sum + p.rss, 0) / 2 ** 20;
          const before = processes.map((p) => cpuSeconds(p.pid)).reduce((a, b) => a + b, 0);
          await new Promise((r) => setTimeout(r, 20_000));
          cpu = (processes.map((p) => cpuSeconds(p.pid)).reduce((a, b) => a + b, 0) - before) * 5;
        }
        const start = performance.now();
        await runCommand("bin/portolan", ["down", "--name", "bench-up"], { env: cluster.env });
        const down = performance.now() - start;
        rounds.push({
          api: upTo(cluster.upOutput, /^API server/),
          ready,
          answer: ready + answer,
          down,
          floor,
        });
      } finally {
        await cluster.down();
      }
    }
    const p50 = (of: (t: Times) => number): number => quantile(rounds.map(of), 0.5);
    const against = { what: "a bare Node server started and asked", value: p50((t) => t.floor) };
    const row = (what: string, value: number, limit: number): Figure => ({
      what,
      value,
      unit: "ms",
      against,
      goal: `≤ ${limit}`,
      met: value <= limit,
    });
    return [
      row(
        "up: API answers",
        p50((t) => t.api),
        1000,
      ),
      row(
        "up: node Ready and DNS answers",
        p50((t) => t.ready),
        2000,
      ),
      row(
        "first HTTP answer through a Service's name",
        p50((t) => t.answer),
        3000,
      ),
      row(
        "down",
        p50((t) => t.down),
        2000,
      ),
      {
        what: "idle memory, all processes, resident",
        value: memory,
        unit: "MiB",
        goal: "≤ 250",
        met: memory <= 250,
      },
      { what: "idle CPU, all processes", value: cpu, unit: "% of a core", goal: "≤ 1", met: cpu <= 1 },
    ];
  },
};
