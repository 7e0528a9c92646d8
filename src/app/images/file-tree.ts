// The files of an image in memory, by absolute path: packages are laid over each other, then written as one tar layer
// whose bytes depend on nothing but the content (sorted names, one date, no user names).
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { extract, type Header, pack } from "tar-stream";
import type { ImageFile } from "./spec.ts";

export interface TreeEntry {
  readonly type: "file" | "directory" | "symlink" | "link";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly linkname?: string;
  readonly data?: Buffer;
}

export type FileTree = Map<string, TreeEntry>;

/** /bin, /sbin and the libraries are links into /usr, as on an installed Debian; packages may name either. */
const mergedUsr = /^\/(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;
const canonical = (path: string): string => path.replace(mergedUsr, "/usr/$1");

/** What only people read, or only an installed system uses. Every file costs a link when a node starts. */
const noise = new RegExp(
  `^(${[
    "/usr/share/(doc|doc-base|man|info|locale|lintian|bug|menu|i18n|vim|apport|bash-completion|zsh|gcc|gdb)",
    "/usr/share/(debianutils|pixmaps|applications|perl5|initramfs-tools|libgcrypt20)",
    "/etc/(init\\.d|default|logrotate\\.d|ufw|cron\\.[a-z]+|apparmor\\.d)",
    "/usr/lib/(systemd|udev|tmpfiles\\.d|sysusers\\.d|[^/]+/gconv)",
  ].join("|")})(/|$)`,
);

/** A package's files by absolute path. */
export async function readPackage(deb: string): Promise<FileTree> {
  const files: FileTree = new Map();
  const child = spawn("dpkg-deb", ["--fsys-tarfile", deb], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const reader = extract();
  child.stdout.pipe(reader);
  for await (const entry of reader) {
    const h: Header = entry.header;
    const path = canonical(`/${h.name.replace(/^\.?\/?/, "").replace(/\/$/, "")}`);
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const type = h.type;
    if (path === "/" || path === "/usr" || noise.test(path)) continue;
    if (type !== "file" && type !== "directory" && type !== "symlink" && type !== "link") continue;
    files.set(path, {
      type,
      mode: (h.mode ?? 0o755) & 0o7777,
      uid: h.uid ?? 0,
      gid: h.gid ?? 0,
      ...(type === "link" ? { linkname: canonical(`/${h.linkname!.replace(/^\.?\/?/, "")}`) } : {}),
      ...(type === "symlink" ? { linkname: h.linkname! } : {}),
      ...(type === "file" ? { data: Buffer.concat(chunks) } : {}),
    });
  }
  const status = await ended;
  if (status !== 0) throw new Error(`dpkg-deb could not read ${deb} (exit ${status})`);
  return files;
}

/** Lays a package's files over the tree. `only` as in ImageSpec. */
export function addPackage(tree: FileTree, files: FileTree, only: readonly string[] | undefined): void {
  const wanted = (path: string): boolean =>
    !only || only.some((o) => path === o || path.startsWith(`${o}/`) || path.startsWith(`${o}.`));
  for (const [path, entry] of files) if (wanted(path)) tree.set(path, entry);
}

export function addFile(tree: FileTree, path: string, file: ImageFile): void {
  const owner = "owner" in file && file.owner ? file.owner : { uid: 0, gid: 0 };
  const data = file.kind === "file" ? { data: Buffer.from(file.data) } : {};
  const link = file.kind === "symlink" ? { linkname: file.target } : {};
  const usual = file.kind === "file" ? 0o644 : file.kind === "directory" ? 0o755 : 0o777;
  const mode = "mode" in file && file.mode !== undefined ? file.mode : usual;
  tree.set(path, { type: file.kind, mode, ...owner, ...data, ...link });
}

/** The tree as a tar: parents before children, names sorted by bytes, every date 0. */
export async function writeLayer(tree: FileTree): Promise<Buffer> {
  const all: FileTree = new Map(tree);
  for (const path of tree.keys())
    for (let dir = dirname(path); dir !== "/"; dir = dirname(dir))
      if (!all.has(dir)) all.set(dir, { type: "directory", mode: 0o755, uid: 0, gid: 0 });
  const out = pack();
  const chunks: Buffer[] = [];
  const done = (async () => {
    for await (const chunk of out) chunks.push(chunk as Buffer);
  })();
  // A hard link must follow the file it names.
  const order = ([path, e]: [string, TreeEntry]): string => `${e.type === "link" ? 1 : 0}${path}`;
  const entries = [...all].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  for (const [path, e] of entries) {
    const header = {
      name: path.slice(1) + (e.type === "directory" ? "/" : ""),
      type: e.type,
      mode: e.mode,
      uid: e.uid,
      gid: e.gid,
      uname: "",
      gname: "",
      mtime: new Date(0),
      ...(e.linkname ? { linkname: e.type === "link" ? e.linkname.slice(1) : e.linkname } : {}),
    };
    out.entry(header, e.data ?? Buffer.alloc(0));
  }
  out.finalize();
  await done;
  return Buffer.concat(chunks);
}

/** Follows links inside the tree; undefined where nothing is there. */
export function lookup(tree: FileTree, path: string, depth = 0): TreeEntry | undefined {
  const entry = tree.get(canonical(path));
  if (entry?.type === "link") return tree.get(entry.linkname!);
  if (entry?.type !== "symlink" || depth > 8) return entry;
  const target = entry.linkname!;
  const base = canonical(path).split("/").slice(0, -1);
  if (target.startsWith("/")) return lookup(tree, target, depth + 1);
  for (const part of target.split("/"))
    if (part === "..") base.pop();
    else if (part !== ".") base.push(part);
  return lookup(tree, base.join("/"), depth + 1);
}

const multiarch: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};

/** A shared library where Debian's loader looks for it. */
export function findLibrary(tree: FileTree, name: string): TreeEntry | undefined {
  const triplet = multiarch[process.arch] ?? "";
  for (const dir of [`/usr/lib/${triplet}`, "/usr/lib", "/usr/lib64"]) {
    const found = lookup(tree, `${dir}/${name}`);
    if (found?.data) return found;
  }
  return undefined;
}
