// What the installer would have made and programs take for granted: links into /usr, accounts, directories, PATH.
import { addFile, type FileTree } from "./file-tree.ts";
import type { ImageConfig, ImageFile, ImageSpec } from "./spec.ts";

/** Packages that only serve the installation of others. */
export const installers = [
  "adduser",
  "debconf",
  "debconf-2.0",
  "debianutils",
  "dpkg",
  "gcc-12-base",
  "init-system-helpers",
  "install-info",
  "lsb-base",
  "openssl",
  "passwd",
  "perl",
  "perl-base",
  "sensible-utils",
  "systemd",
  "sysvinit-utils",
  "ucf",
];

const directories: Record<string, number> = {
  "/tmp": 0o1777,
  "/var/tmp": 0o1777,
  "/root": 0o700,
  "/run": 0o755,
  "/proc": 0o755,
  "/sys": 0o755,
  "/dev": 0o755,
};

const accounts = [
  { name: "root", uid: 0, home: "/root", shell: "/bin/sh" },
  { name: "daemon", uid: 1, home: "/usr/sbin", shell: "/bin/false" },
  { name: "www-data", uid: 33, home: "/var/www", shell: "/bin/false" },
  { name: "nobody", uid: 65534, home: "/home", shell: "/bin/false" },
];

/** Adds what is not there yet. */
export function addBaseSystem(tree: FileTree, spec: ImageSpec): void {
  const add = (path: string, file: ImageFile): void => {
    if (!tree.has(path)) addFile(tree, path, file);
  };
  for (const dir of ["bin", "sbin", "lib", "lib32", "lib64"])
    if ([...tree.keys()].some((p) => p.startsWith(`/usr/${dir}/`)))
      add(`/${dir}`, { kind: "symlink", target: `usr/${dir}` });
  const users = [
    ...accounts,
    ...(spec.users ?? []).map((u) => ({ ...u, home: "/nonexistent", shell: "/bin/false" })),
  ].sort((a, b) => a.uid - b.uid);
  const lines = (line: (u: (typeof users)[number]) => string): ImageFile => ({
    kind: "file",
    data: users.map((u) => `${line(u)}\n`).join(""),
  });
  add(
    "/etc/passwd",
    lines((u) => `${u.name}:x:${u.uid}:${u.uid}:${u.name}:${u.home}:${u.shell}`),
  );
  add(
    "/etc/group",
    lines((u) => `${u.name}:x:${u.uid}:`),
  );
  add("/etc/nsswitch.conf", { kind: "file", data: "passwd: files\ngroup: files\nhosts: files dns\n" });
  for (const [path, mode] of Object.entries(directories)) add(path, { kind: "directory", mode });
}

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The configuration with a PATH, which no image does without. */
export function withPath(config: ImageConfig): ImageConfig {
  const env = config.Env ?? [];
  return env.some((e) => e.startsWith("PATH=")) ? config : { ...config, Env: [path, ...env] };
}
