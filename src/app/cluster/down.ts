// `portolan down`: nothing of a cluster stays. Works from the plan where there is one, and from names and marks where a
// killed process or an interrupted `up` has left less than that.
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../edge/command/mod.ts";
import { removeCniResults } from "./cni-results.ts";
import { readPlan } from "./configs.ts";
import { exclusively } from "./exclusive.ts";
import { contextName, defaultKubeconfig, editKubeconfig, removeAccess } from "./kubeconfig.ts";
import { endSpreadByPort } from "./multipath-hash.ts";
import { removeNetwork } from "./network.ts";
import { cgroupName, clusterPaths } from "./paths.ts";
import { wrongName } from "./plan.ts";
import { heldElsewhere, isAlive, ownProcesses, signalProcess } from "./processes.ts";
import { removeShimSockets } from "./shim-sockets.ts";
import { createSteps } from "./steps.ts";

export interface DownOptions {
  name: string;
  kubeconfig?: string | undefined;
  out(line: string): void;
}

/** Resolves with true when there was something to take down. Waits for an `up` that is under way. */
export async function down(options: DownOptions): Promise<boolean> {
  // The name becomes part of paths that are removed.
  const wrong = wrongName(options.name);
  if (wrong) throw new Error(wrong);
  if (process.getuid?.() !== 0) throw new Error("taking a cluster down needs root: run it with sudo");
  const held = heldElsewhere(options.name);
  if (held) throw new Error(held);
  return exclusively(
    clusterPaths(options.name).dir,
    () => options.out(`Another portolan command works on the cluster "${options.name}"; waiting for it`),
    () => takeDown(options),
  );
}

async function takeDown({ name, kubeconfig, out }: DownOptions): Promise<boolean> {
  const steps = createSteps(out);
  const paths = clusterPaths(name);
  const plan = readPlan(name);
  const leftNamespaces = namespacesOf(name);
  const there =
    existsSync(paths.dir) ||
    existsSync(paths.run) ||
    leftNamespaces.length > 0 ||
    ownProcesses(name).length > 0;
  out(there ? `Taking down the cluster "${name}"` : `There is no cluster "${name}"; looking for leftovers`);
  await steps.step("Processes and containers", () => endProcesses(name));
  removeShimSockets(paths.run);
  await steps.step("Mounts", () => unmountBelow([paths.dir, paths.run]));
  await steps.step("Network", async () => {
    endSpreadByPort(name);
    await removeNetwork(name, plan?.index, leftNamespaces);
    removeCniResults(name);
  });
  await steps.step("Control groups", () => removeCgroups(cgroupName(name)));
  // What cannot be read or changed there must not keep the rest of the cluster on the machine.
  const unedited = await steps
    .step("Kubeconfig entries", () => dropAccess(kubeconfig ?? defaultKubeconfig(), contextName(name)))
    .catch((error: Error) => error);
  // Whatever may still be mounted there is not ours to empty. rm takes half the time of Node's.
  await steps.step("Files", async () => {
    await run("rm", ["-rf", "--one-file-system", "--", paths.run, paths.dir], { timeoutMs: 60_000 });
  });
  if (unedited)
    throw new Error(`the entries of "${contextName(name)}" may stand there still: ${unedited.message}`);
  return there;
}

async function dropAccess(file: string, context: string): Promise<undefined> {
  if (existsSync(file))
    await editKubeconfig(file, (text) => (text === "" ? undefined : removeAccess(text, context)));
}

function namespacesOf(name: string): string[] {
  if (!existsSync("/run/netns")) return [];
  const prefix = `portolan-${name}-node-`;
  return readdirSync("/run/netns")
    .filter((n) => n.startsWith(prefix) && /^\d+$/.test(n.slice(prefix.length)))
    .map((n) => n.slice(`portolan-${name}-`.length));
}

const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/**
 * Supervisors first, so that nothing comes back; then everything marked, and every process in the cluster's control groups
 * (containers do not carry the mark). SIGKILL: state that matters is on disk before it is acknowledged.
 */
async function endProcesses(name: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const marked = ownProcesses(name);
    const inGroups = cgroupDirectories(cgroupName(name)).flatMap(processesIn);
    const pids = new Set([...marked.map((p) => p.pid), ...inGroups]);
    if (pids.size === 0) return;
    for (const p of marked.filter((p) => p.role.endsWith("/supervisor"))) signalProcess(p.pid, "SIGKILL");
    for (const pid of pids) signalProcess(pid, "SIGKILL");
    for (let i = 0; i < 50 && [...pids].some(isAlive); i++) await pause(5);
  }
  throw new Error(
    `processes of the cluster ${name} do not end: ${ownProcesses(name)
      .map((p) => p.pid)
      .join(" ")}`,
  );
}

/** Mount points below the directories, deepest first. */
export function mountsBelow(dirs: readonly string[], mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => dirs.some((d) => path === d || path.startsWith(`${d}/`)))
    .reverse();
}

async function unmountBelow(dirs: readonly string[]): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const mounts = mountsBelow(dirs, readFileSync("/proc/self/mountinfo", "utf8"));
    if (mounts.length === 0) return;
    for (let i = 0; i < mounts.length; i += 200)
      await run("umount", ["--lazy", "--no-canonicalize", ...mounts.slice(i, i + 200)]).catch(() => "");
  }
}

const cgroupRoot = "/sys/fs/cgroup";

/** The cluster's directories in every cgroup hierarchy: v2 has one root, v1 one root a controller. */
function cgroupDirectories(name: string): string[] {
  if (!existsSync(cgroupRoot)) return [];
  const roots = [
    cgroupRoot,
    ...readdirSync(cgroupRoot, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .map((e) => join(cgroupRoot, e.name)),
  ];
  return roots.map((r) => join(r, name)).filter((d) => existsSync(d));
}

function processesIn(dir: string): number[] {
  let pids: number[] = [];
  try {
    pids = readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
    for (const e of readdirSync(dir, { withFileTypes: true }))
      if (e.isDirectory()) pids = pids.concat(processesIn(join(dir, e.name)));
  } catch {
    // The group went away while it was read.
  }
  return pids.filter((p) => p > 0);
}

function removeTree(dir: string): void {
  for (const e of readdirSync(dir, { withFileTypes: true }))
    if (e.isDirectory()) removeTree(join(dir, e.name));
  rmdirSync(dir);
}

async function removeCgroups(name: string): Promise<void> {
  for (const dir of cgroupDirectories(name))
    for (let tries = 0; ; tries++) {
      try {
        removeTree(dir);
        break;
      } catch (error) {
        if (!existsSync(dir)) break;
        if (tries === 100) throw error;
        await pause(10);
      }
    }
}
