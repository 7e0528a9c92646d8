// The kubelet's PodFiles on a Linux machine: directories, tmpfs mounts, hostPath checks, sub-paths, cgroups.
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HostPathType, Ownership, PodFiles } from "../../agents/kubelet/mod.ts";
import { CommandError, run } from "../command/mod.ts";
import { writeVolume } from "./_atomic-volume.ts";
import { findInside } from "./_find-inside.ts";

const setgid = 0o2000;

const code = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function own(path: string, mode: number, ownership: Ownership | undefined): Promise<void> {
  if (!ownership) return chmod(path, mode);
  await chown(path, 0, ownership.gid);
  await chmod(path, mode | setgid | (ownership.writable ? 0o770 : 0o550));
}

const unescapeMount = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

async function mountPoints(): Promise<string[]> {
  const table = await readFile("/proc/self/mounts", "utf8");
  return table
    .split("\n")
    .map((line) =>
      (line.split(" ")[1] ?? "").replace(/\\(\d{3})/g, (_, o) => String.fromCharCode(Number.parseInt(o, 8))),
    );
}

const hostPathChecks: Record<
  Exclude<HostPathType, "">,
  { word: string; is(s: Awaited<ReturnType<typeof stat>>): boolean }
> = {
  Directory: { word: "a directory", is: (s) => s.isDirectory() },
  DirectoryOrCreate: { word: "a directory", is: (s) => s.isDirectory() },
  File: { word: "a file", is: (s) => s.isFile() },
  FileOrCreate: { word: "a file", is: (s) => s.isFile() },
  Socket: { word: "a socket file", is: (s) => s.isSocket() },
  CharDevice: { word: "a character device", is: (s) => s.isCharacterDevice() },
  BlockDevice: { word: "a block device", is: (s) => s.isBlockDevice() },
};

async function checkHostPath(path: string, type: HostPathType): Promise<void> {
  if (type === "") {
    // A path that does not exist becomes a directory, as the runtimes have always made it.
    await mkdir(path, { recursive: true }).catch((error) => {
      if (code(error) !== "EEXIST") throw error;
    });
    return;
  }
  const check = hostPathChecks[type];
  if (!check) throw new Error(`unknown hostPath type ${type}`);
  let found = await stat(path).catch(() => undefined);
  if (!found && type === "DirectoryOrCreate") {
    await mkdir(path, { recursive: true, mode: 0o755 });
    found = await stat(path);
  }
  if (!found && type === "FileOrCreate") {
    await writeFile(path, "", { mode: 0o644, flag: "a" });
    found = await stat(path);
  }
  if (!found || !check.is(found)) throw new Error(`hostPath type check failed: ${path} is not ${check.word}`);
}

async function resolveSubPath(volume: string, subPath: string): Promise<string> {
  const base = await realpath(volume);
  const inside = (path: string): boolean => path === base || path.startsWith(`${base}/`);
  let at = base;
  for (const part of subPath.split("/").filter((p) => p !== "" && p !== ".")) {
    const next = join(at, part);
    const known = await lstat(next).catch(() => undefined);
    if (!known) {
      await mkdir(next, { mode: 0o750 });
      const parent = await stat(at);
      await chmod(next, parent.mode & 0o7777);
      await chown(next, parent.uid, parent.gid);
      at = next;
      continue;
    }
    at = await realpath(next);
    if (!inside(at))
      throw new Error(`subpath "${subPath}" is not within volume path "${base}": it leads to ${at}`);
  }
  return at;
}

/** Unmounts what is mounted below, deepest first, then removes; a busy mount is detached. */
async function removeTree(path: string): Promise<void> {
  const below = (await mountPoints()).filter((m) => m === path || m.startsWith(`${path}/`));
  for (const mount of below.sort((a, b) => b.length - a.length)) await run("umount", ["-l", mount]);
  await rm(path, { recursive: true, force: true });
}

const cgroupRoot = "/sys/fs/cgroup";

async function removeCgroup(path: string): Promise<void> {
  const hierarchies = await readdir(cgroupRoot).catch(() => []);
  for (const root of [cgroupRoot, ...hierarchies.map((h) => `${cgroupRoot}/${h}`)]) {
    const dir = `${root}${path}`;
    const children = await readdir(dir, { withFileTypes: true }).catch(() => undefined);
    if (!children) continue;
    for (const child of children)
      if (child.isDirectory()) await rmdir(`${dir}/${child.name}`).catch(() => undefined);
    await rmdir(dir).catch(() => undefined);
  }
}

async function readTail(path: string, maxBytes: number): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (code(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

const usageLimitMs = 10_000;

/** du(1) in bytes; what goes away while it looks is not an error of the rest. */
async function diskUsage(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const usage = new Map<string, number>();
  if (paths.length === 0) return usage;
  const onLine = (line: string): void => {
    const tab = line.indexOf("\t");
    usage.set(line.slice(tab + 1), Number(line.slice(0, tab)));
  };
  const options = { timeoutMs: usageLimitMs, onLine };
  await run("du", ["-s", "-x", "--block-size=1", "--", ...paths], options).catch((error) => {
    if (!(error instanceof CommandError && error.message.startsWith(`${error.command}: exit code 1:`)))
      throw error;
  });
  return usage;
}

/** The optional fields of a mountinfo line tell its propagation (proc_pid_mountinfo(5)). */
async function sharesMounts(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => path);
  let best = { length: -1, shared: false };
  for (const line of (await readFile("/proc/self/mountinfo", "utf8")).split("\n")) {
    const fields = line.split(" ");
    const at = unescapeMount(fields[4] ?? "");
    if (at === "" || !(real === at || real.startsWith(at === "/" ? at : `${at}/`))) continue;
    const optional = fields.slice(6, fields.indexOf("-"));
    const shared = optional.some((f) => f.startsWith("shared:") || f.startsWith("master:"));
    if (at.length >= best.length) best = { length: at.length, shared };
  }
  return best.shared;
}

export function createPodFiles(): PodFiles {
  return {
    async makeDirectory(path, mode, ownership) {
      await mkdir(path, { recursive: true });
      await own(path, mode, ownership);
    },
    async link(path, target) {
      if ((await readlink(path).catch(() => undefined)) === target) return;
      await mkdir(dirname(path), { recursive: true });
      await rm(path, { force: true });
      await symlink(target, path);
    },
    async mountMemory(path, sizeBytes, ownership) {
      await mkdir(path, { recursive: true });
      if (!(await mountPoints()).includes(path)) {
        const size = sizeBytes > 0 ? `,size=${sizeBytes}` : "";
        await run("mount", ["-t", "tmpfs", "-o", `mode=0777${size}`, "tmpfs", path]);
      }
      await own(path, 0o777, ownership);
    },
    writeVolume,
    async writeFile(path, content, mode) {
      await mkdir(dirname(path), { recursive: true });
      const next = `${path}.new`;
      await writeFile(next, content, { mode });
      await chmod(next, mode);
      await rename(next, path);
    },
    checkHostPath,
    resolveSubPath,
    findInside,
    readTail,
    sharesMounts,
    readText: (path) => readFile(path, "utf8").catch(() => ""),
    removeTree,
    removeCgroup,
    diskUsage,
    list: (path) => readdir(path).catch(() => []),
  };
}
