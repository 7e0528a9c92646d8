// Cluster DNS under dnsperf, beside a bare UDP echo in Node and beside unbound with the same records: each server on one core,
// the questions from the other. Then how long an answer takes at half that rate, and the memory of ten thousand Services.
// While times are taken nobody else is at work here: dnsperf writes them to a file in memory, which is read at the end.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../src/app/cluster/node-flags.ts";
import { run } from "../../src/edge/command/mod.ts";
import { clusterIPOf } from "./dns-peer.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const services = 10_000;
const rounds = 5;
const seconds = 2;
/** Rounds of the times of answers: many, since whatever else happens on the machine is in some of them. */
const timedRounds = 11;
const timedSeconds = 1;
const dnsperf = "/usr/bin/dnsperf";
const unbound = "/usr/sbin/unbound";
/** Servers on the first core, the questions from the second. */
const cores = { server: "0", client: "1" };

interface Server {
  port: number;
  child: ChildProcess;
}

const nameOf = (i: number): string => `svc-${i}.default.svc.cluster.local`;

/** As pods ask: a Service's address, now and then for IPv6, now and then through the search path, which is answered no. */
function questions(): string {
  const lines: string[] = [];
  for (let n = 0; n < services; n++) {
    const name = nameOf((n * 7919) % services);
    lines.push(
      n % 10 === 1 ? `${name} AAAA` : n % 10 === 2 ? `${name}.default.svc.cluster.local A` : `${name} A`,
    );
  }
  return `${lines.join("\n")}\n`;
}

async function startPeer(mode: "echo" | "dns", port: number): Promise<Server> {
  const child = fork(
    fileURLToPath(new URL("./dns-peer.js", import.meta.url)),
    [mode, `${port}`, `${services}`],
    {
      execPath: "taskset",
      execArgv: ["-c", cores.server, process.execPath, ...nodeFlags, "--expose-gc"],
    },
  );
  await once(child, "message");
  return { port, child };
}

async function startUnbound(port: number, dir: string): Promise<Server> {
  const config = join(dir, "unbound.conf");
  const records = Array.from(
    { length: services },
    (_, i) => `  local-data: "${nameOf(i)}. 5 IN A ${clusterIPOf(i)}"`,
  );
  writeFileSync(
    config,
    [
      "server:",
      `  interface: 127.0.0.1@${port}`,
      `  directory: "${dir}"`,
      ...['  username: ""', '  chroot: ""', '  pidfile: ""', '  logfile: ""', "  use-syslog: no"],
      ...["  do-daemonize: no", "  num-threads: 1", "  verbosity: 0", '  module-config: "iterator"'],
      '  local-zone: "cluster.local." static',
      ...records,
      ...["remote-control:", "  control-enable: no", ""],
    ].join("\n"),
  );
  const child = spawn("taskset", ["-c", cores.server, unbound, "-d", "-c", config], { stdio: "ignore" });
  return { port, child };
}

interface Asking {
  /** The questions. */
  file: string;
  seconds: number;
  options: readonly string[];
}

const perf = ({ port }: Server, { file, seconds, options }: Asking, to?: string): Promise<string> => {
  const where = ["-b", "4096", "-s", "127.0.0.1", "-p", `${port}`, "-d", file, "-l", `${seconds}`];
  const command = ["taskset", "-c", cores.client, dnsperf, ...where, ...options];
  return run("sh", ["-c", to ? 'exec "$@" > "$0"' : 'exec "$@"', to ?? "sh", ...command], {
    timeoutMs: (seconds + 20) * 1000,
  });
};

/** CPU time of a process so far, in seconds (proc(5), utime and stime in clock ticks). */
function cpuSeconds({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Rate {
  perSecond: number;
  /** CPU time of one answer, in microseconds: the same on a busy machine. */
  cpu: number;
}

/** Answers with so many questions on the way at a time. */
async function rate(server: Server, file: string): Promise<Rate> {
  const before = cpuSeconds(server);
  const out = await perf(server, { file, seconds, options: ["-q", "200"] });
  const lost = Number(/Queries lost: +(\d+)/.exec(out)?.[1] ?? Number.NaN);
  const failed = /SERVFAIL|REFUSED|FORMERR/.exec(/Response codes: .*/.exec(out)?.[0] ?? "");
  const value = Number(/Queries per second: +([\d.]+)/.exec(out)?.[1] ?? Number.NaN);
  if (!(value > 0) || lost > 100 || failed) throw new Error(`dnsperf at port ${server.port}:\n${out}`);
  const answered = Number(/Queries completed: +(\d+)/.exec(out)?.[1] ?? Number.NaN);
  return { perSecond: value, cpu: ((cpuSeconds(server) - before) / answered) * 1e6 };
}

/** The p99 of answers in a report of dnsperf, which tells each one's time, in milliseconds. */
function p99Of(report: string, atLeast: number): number {
  const times = [...report.matchAll(/^> \w+ \S+ \S+ ([\d.]+)$/gm)].map((m) => Number(m[1]) * 1000);
  if (times.length < atLeast) throw new Error(`dnsperf told the times of ${times.length} answers only`);
  return quantile(times, 0.99);
}

/** The p99 of each server's answers at a fixed rate: medians of rounds that take turns, of which the first is to warm up. */
async function p99sAt(servers: readonly Server[], file: string, perSecond: number): Promise<number[]> {
  const dir = mkdtempSync("/dev/shm/portolan-bench-dns-");
  const options = ["-v", "-Q", `${Math.round(perSecond)}`];
  const report = (server: Server, round: number): string => join(dir, `${server.port}-${round}`);
  try {
    for (let round = 0; round <= timedRounds; round++)
      for (const server of servers)
        await perf(server, { file, seconds: timedSeconds, options }, report(server, round));
    return servers.map((server) => {
      const reports = Array.from({ length: timedRounds }, (_, i) =>
        readFileSync(report(server, i + 1), "utf8"),
      );
      return quantile(
        reports.map((r) => p99Of(r, 0.9 * perSecond * timedSeconds)),
        0.5,
      );
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits for the first answer. */
async function answers(server: Server, file: string): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const options = ["-n", "1", "-Q", "50", "-t", "0.2"];
    const out = await perf(server, { file, seconds: 1, options }).catch(() => "");
    if (/Queries completed: +[1-9]/.test(out)) return;
    await sleep(100);
  }
  throw new Error(`nobody answers at port ${server.port}`);
}

async function underLoad(dir: string): Promise<Figure[]> {
  const file = join(dir, "questions");
  writeFileSync(file, questions());
  const servers: Partial<Record<"echo" | "dns" | "unbound", Server>> = {};
  try {
    servers.echo = await startPeer("echo", 5353);
    servers.dns = await startPeer("dns", 5354);
    if (existsSync(unbound)) servers.unbound = await startUnbound(5355, dir);
    else console.log("  no unbound beside it: it is not installed");
    const entries = Object.entries(servers);
    for (const [, server] of entries) await answers(server, file);
    // Every kind in each round, the first to warm up.
    const rates = new Map(entries.map(([kind]) => [kind, [] as Rate[]]));
    for (let round = 0; round <= rounds; round++)
      for (const [kind, server] of entries) {
        const value = await rate(server, file);
        if (round > 0) rates.get(kind)!.push(value);
      }
    const median = (kind: string, of: keyof Rate): number =>
      quantile(
        (rates.get(kind) ?? []).map((r) => r[of]),
        0.5,
      );
    const [ours, echo] = [median("dns", "perSecond"), median("echo", "perSecond")];
    const [p99, echoP99] = (await p99sAt([servers.dns, servers.echo], file, ours / 2)) as [number, number];
    servers.dns.child.send("memory");
    const [{ memoryMB }] = (await once(servers.dns.child, "message")) as [{ memoryMB: number }];
    const row = { what: `DNS answers on one core, ${services} Services`, value: ours, unit: "answers/s" };
    return [
      {
        ...row,
        against: { what: "a bare UDP echo in Node", value: echo },
        goal: "≥ 0.6 x",
        met: ours / echo >= 0.6,
      },
      ...(servers.unbound
        ? [
            {
              ...row,
              what: "  the same",
              against: { what: "unbound, one thread", value: median("unbound", "perSecond") },
            },
          ]
        : []),
      {
        what: "  CPU time of an answer",
        value: median("dns", "cpu"),
        unit: "µs",
        against: { what: "the echo's", value: median("echo", "cpu") },
      },
      {
        what: "  p99 of an answer at half that rate",
        value: p99,
        unit: "ms",
        against: { what: "the echo's at that rate", value: echoP99 },
        goal: "≤ 1",
        met: p99 <= 1,
      },
      {
        what: `DNS memory, ${services} Services of 3 endpoints, all asked for`,
        value: memoryMB,
        unit: "MB",
        goal: "≤ 20",
        met: memoryMB <= 20,
      },
    ];
  } finally {
    for (const server of Object.values(servers)) server.child.kill("SIGKILL");
  }
}

export const dns: Bench = {
  name: "dns",
  async run() {
    if (!existsSync(dnsperf)) {
      console.log("  left out: dnsperf is not installed");
      return [];
    }
    if (availableParallelism() < 2) {
      console.log("  left out: it needs two cores, one for the server and one for dnsperf");
      return [];
    }
    const dir = mkdtempSync("/tmp/portolan-bench-dns-");
    try {
      return await underLoad(dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
