// containerd's words for a mount as arguments of mount(8), for reading alone; and what the kernel says of a mount.

/** containerd.types.Mount. */
export interface SnapshotMount {
  type: string;
  source: string;
  options: string[];
}

const lower = "lowerdir=";

/**
 * The command that mounts a snapshot at `path`. Layers of an overlay are named from the directory that they share: their
 * full names would be too long for the kernel from some thirty layers on.
 */
export function snapshotMountCommand(
  mount: SnapshotMount,
  path: string,
): { args: string[]; directory: string } {
  if (mount.type === "bind")
    return { args: ["--bind", "-o", "ro,noexec", mount.source, path], directory: "/" };
  const layers =
    mount.options
      .find((o) => o.startsWith(lower))
      ?.slice(lower.length)
      .split(":") ?? [];
  const directory = sharedDirectory(layers);
  const options = mount.options.map((o) =>
    o.startsWith(lower) ? lower + layers.map((l) => l.slice(directory.length)).join(":") : o,
  );
  const all = [...options.filter((o) => o !== "rw" && o !== "ro"), "ro", "noexec"].join(",");
  return { args: ["-t", mount.type, "-o", all, mount.source, path], directory };
}

/** Ends in a slash. */
function sharedDirectory(paths: readonly string[]): string {
  const [first = "/", ...others] = paths;
  let shared = first.slice(0, first.lastIndexOf("/") + 1);
  while (!others.every((p) => p.startsWith(shared)))
    shared = shared.slice(0, shared.lastIndexOf("/", shared.length - 2) + 1);
  return shared;
}

/** Flags of the uppermost mount at `path` (proc_pid_mountinfo(5)); undefined where nothing is mounted. */
export function mountFlags(mountinfo: string, path: string): ReadonlySet<string> | undefined {
  let flags: ReadonlySet<string> | undefined;
  for (const line of mountinfo.split("\n")) {
    const [, , , , at = "", options = ""] = line.split(" ");
    const plain = at.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (plain === path) flags = new Set(options.split(","));
  }
  return flags;
}
