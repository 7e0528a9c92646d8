// A whole cluster for tests: started by bin/portolan as a user would, in directories of its own, taken down at the end.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isOwned, own } from "./owner.ts";

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestCluster {
  name: string;
  env: NodeJS.ProcessEnv;
  /** Output of `portolan up`. */
  upOutput: string;
  portolan(...args: string[]): Promise<CommandResult>;
  /** Runs $KUBECTL (or kubectl) against the cluster. */
  kubectl(...args: string[]): Promise<CommandResult>;
  /** The same with standard input, a time limit, or another environment. */
  kubectlWith(options: RunOptions, ...args: string[]): Promise<CommandResult>;
  /** kubectl that must succeed; resolves with its standard output. */
  ok(...args: string[]): Promise<string>;
  down(): Promise<CommandResult>;
}

export interface RunOptions {
  input?: string;
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
}

export const bin = join(import.meta.dirname ?? "", "../../../bin/portolan");

/** Runs a program to its end, or to the limit (exit code 124). */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const { input, timeoutMs = 60_000, env = process.env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (d: string) => {
      stdout += d;
    });
    child.stderr.setEncoding("utf8").on("data", (d: string) => {
      stderr += d;
    });
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 1), stdout, stderr });
    });
    child.stdin.end(input ?? "");
  });
}

const clustersDir = "/tmp/portolan-test";

/** What keeps a cluster's state, its sockets and its kubeconfig in a directory of the test's own. */
export const environment = (dir: string) => ({
  ...process.env,
  HOME: dir,
  PORTOLAN_STATE_DIR: join(dir, "state"),
  PORTOLAN_RUN_DIR: join(dir, "run"),
  KUBECONFIG: join(dir, "kubeconfig"),
});

/** Directories of clusters that this process has started and not taken down. */
const standing = new Map<string, string>();

async function takeDown(dir: string, name: string): Promise<CommandResult> {
  const r = await runCommand(bin, ["down", "--name", name], { env: environment(dir), timeoutMs: 120_000 });
  if (r.code === 0) {
    standing.delete(dir);
    rmSync(dir, { recursive: true, force: true });
  }
  return r;
}

/** Takes down what this process has started, e.g. because it was told to end. */
export async function takeDownStanding(): Promise<void> {
  await Promise.all([...standing].map(([dir, name]) => takeDown(dir, name)));
}

/** Takes down clusters whose process was killed; only those whose names begin so. */
export async function takeDownAbandoned(prefix: string): Promise<void> {
  for (const entry of existsSync(clustersDir) ? readdirSync(clustersDir) : []) {
    const dir = join(clustersDir, entry);
    if (!entry.startsWith(prefix) || isOwned(dir)) continue;
    const clusters = join(dir, "state/clusters");
    for (const name of existsSync(clusters) ? readdirSync(clusters) : []) await takeDown(dir, name);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Starts a cluster in the current network namespace, which the test runner has made without an uplink. */
export async function startCluster(name: string, ...upArgs: string[]): Promise<TestCluster> {
  mkdirSync(clustersDir, { recursive: true });
  const dir = mkdtempSync(join(clustersDir, `${name}-`));
  own(dir);
  standing.set(dir, name);
  const env = environment(dir);
  const kubectlPath = process.env.KUBECTL ?? "kubectl";
  const portolan = (...args: string[]) => runCommand(bin, args, { env, timeoutMs: 120_000 });
  const kubectlWith = (options: RunOptions, ...args: string[]) =>
    runCommand(kubectlPath, args, { ...options, env: { ...env, ...options.env } });
  const kubectl = (...args: string[]) => kubectlWith({}, ...args);
  const started = await portolan("up", "--name", name, ...upArgs);
  const logs = (): string =>
    spawnSync("sh", ["-c", `tail -n 20 ${join(dir, "state/clusters", name, "logs")}/*`], { encoding: "utf8" })
      .stdout;
  const cluster: TestCluster = {
    name,
    env,
    upOutput: started.stdout,
    portolan,
    kubectl,
    kubectlWith,
    async ok(...args) {
      const r = await kubectl(...args);
      if (r.code !== 0)
        throw new Error(`kubectl ${args.join(" ")}: exit code ${r.code}\n${r.stdout}${r.stderr}`);
      return r.stdout;
    },
    down: () => takeDown(dir, name),
  };
  if (started.code === 0) return cluster;
  const message = `portolan up: exit code ${started.code}\n${started.stdout}${started.stderr}\n${logs()}`;
  await cluster.down();
  throw new Error(message);
}

/** Asks again until the answer is not undefined; the error carries `what`. */
export async function eventually<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error(`${what}: not within ${limitMs} ms${last ? ` (${String(last)})` : ""}`);
}
