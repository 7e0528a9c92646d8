// The processes of a cluster: each carries the cluster's name in its environment, by which `status` and `down` find it
// whatever happened.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { clusterMark, rootsOf, runRoot, stateRoot } from "./paths.ts";

export interface FoundProcess {
  pid: number;
  /**
   * As in ProcessSpec (supervise.ts); "…/supervisor" for the shell around a process, "…/shim" for containerd's shims, and the role with
   * the program's name behind it for what a process has started itself.
   */
  role: string;
  cluster: string;
  /** Resident memory in bytes (VmRSS). */
  rss: number;
  command: string;
  /** Where its cluster keeps its things: what tells two clusters of one name apart. */
  roots: ReturnType<typeof rootsOf>;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Processes that carry a cluster's mark, found by their environment; all clusters when none is named. */
export function findProcesses(cluster?: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environ = readText(join("/proc", entry, "environ"));
    const at = environ.indexOf(`${clusterMark}=`);
    if (at < 0 || (at > 0 && environ[at - 1] !== "\0")) continue;
    const vars = new Map(
      environ.split("\0").map((v) => [v.slice(0, v.indexOf("=")), v.slice(v.indexOf("=") + 1)]),
    );
    const name = vars.get(clusterMark);
    const role = vars.get("PORTOLAN_ROLE");
    if (!name || !role || (cluster !== undefined && name !== cluster)) continue;
    const command = commandOf(entry);
    const status = readText(join("/proc", entry, "status"));
    const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? "";
    if (command[0] === "") continue;
    found.push({
      pid,
      cluster: name,
      rss,
      role: roleOf(role, command, parent),
      command: command.join(" ").trim(),
      roots: rootsOf(Object.fromEntries(vars)),
    });
  }
  return found;
}

/** The processes of a cluster of this state directory. */
export const ownProcesses = (cluster: string): FoundProcess[] =>
  findProcesses(cluster).filter((p) => p.roots.state === stateRoot);

/**
 * Why nothing may be done to a cluster of that name here: one of another state directory runs, and both would have the same
 * network namespaces, control groups and tables. Undefined when none does.
 */
export function heldElsewhere(cluster: string): string | undefined {
  const holder = findProcesses(cluster).find((p) => p.roots.state !== stateRoot);
  if (!holder) return undefined;
  const { state, run } = holder.roots;
  const there = `PORTOLAN_STATE_DIR=${state}${run === runRoot ? "" : ` PORTOLAN_RUN_DIR=${run}`}`;
  return `the name ${cluster} is taken on this machine: process ${holder.pid} (${holder.role}) is of a cluster of that name in ${state}, which has the network namespaces and control groups portolan-${cluster}; choose another name with --name, or take that one down: ${there} portolan down --name ${cluster}`;
}

const commandOf = (pid: string): string[] => readText(join("/proc", pid, "cmdline")).split("\0");

const isSupervisor = (command: readonly string[]): boolean => command[3] === "portolan-supervise";

function roleOf(role: string, command: readonly string[], parent: string): string {
  if (isSupervisor(command)) return `${role}/supervisor`;
  const program = basename(command[0]!);
  if (program.startsWith("containerd-shim")) return role.replace(/\/containerd$/, "/shim");
  // A process whose supervisor was killed has been given to init, which carries no mark.
  const started =
    isSupervisor(commandOf(parent)) ||
    !readText(join("/proc", parent, "environ")).includes(`${clusterMark}=`);
  return started && program !== "sleep" ? role : `${role}/${program}`;
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readText(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
