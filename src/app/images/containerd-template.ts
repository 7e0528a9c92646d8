// A containerd root with the offline images unpacked once, at set-up, from which every node's root is made in
// milliseconds: files of snapshots and content are hard links (containerd only adds and unlinks them), its databases copies.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { defaultCacheDir, type EnsureOptions, ensureImages, type OfflineImage } from "./ensure-images.ts";

const run = promisify(execFile);

export interface ContainerdTemplate {
  /** Directory to take roots from. */
  readonly directory: string;
  readonly images: readonly OfflineImage[];
}

export interface TemplateOptions extends EnsureOptions {
  /** containerd's snapshotter; "overlayfs" unless said otherwise. */
  readonly snapshotter?: "overlayfs" | "native";
}

/** Images and template, made where missing; with everything there this reads a few small files. */
export async function ensureContainerdTemplate(options: TemplateOptions = {}): Promise<ContainerdTemplate> {
  const images = await ensureImages(options);
  const cacheDir = options.cacheDir ?? defaultCacheDir;
  const snapshotter = options.snapshotter ?? "overlayfs";
  const key = createHash("sha256")
    .update(JSON.stringify([1, containerdIdentity(), snapshotter, images.map((i) => [i.name, i.id])]))
    .digest("hex")
    .slice(0, 16);
  const directory = join(cacheDir, `containerd-${key}`);
  if (!existsSync(directory)) {
    const from = performance.now();
    await buildTemplate(directory, images, snapshotter);
    await removeOld(cacheDir, [directory, ...images.map((i) => i.archive)]);
    options.log?.(`unpacked the offline images (${((performance.now() - from) / 1000).toFixed(1)} s)`);
  }
  return { directory, images };
}

/** Templates and archives of earlier versions, unless so young that another process may be working with them. */
async function removeOld(cacheDir: string, keep: readonly string[]): Promise<void> {
  const old = Date.now() - 3_600_000;
  const entries = [
    ...(await readdir(cacheDir)).filter((n) => n.startsWith("containerd-")).map((n) => join(cacheDir, n)),
    ...(await readdir(join(cacheDir, "images"))).map((n) => join(cacheDir, "images", n)),
  ];
  for (const path of entries)
    if (
      !keep.some((k) => path.startsWith(k)) &&
      (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? old) < old
    )
      await rm(path, { recursive: true, force: true });
}

/** Tells one containerd from another without starting it, which takes longer than all the rest here. */
function containerdIdentity(): string {
  for (const dir of (process.env.PATH ?? "/usr/bin").split(":")) {
    const file = statSync(join(dir, "containerd"), { throwIfNoEntry: false });
    if (file?.isFile()) return `${file.size}-${Math.floor(file.mtimeMs / 1000)}`;
  }
  throw new Error("containerd is not installed: apt-get install --no-install-recommends containerd");
}

async function buildTemplate(
  directory: string,
  images: readonly OfflineImage[],
  snapshotter: string,
): Promise<void> {
  const partial = `${directory}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  const root = join(partial, "root");
  await mkdir(root, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "portolan-containerd-"));
  const address = join(work, "c.sock");
  const config = join(work, "config.toml");
  await writeFile(
    config,
    `version = 2\nroot = ${JSON.stringify(root)}\nstate = ${JSON.stringify(join(work, "state"))}\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]\n[grpc]\naddress = ${JSON.stringify(address)}\n`,
  );
  const daemon = spawn("containerd", ["--config", config, "--log-level", "error"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  daemon.stderr.on("data", (d: Buffer) => {
    said = (said + d.toString()).slice(-4000);
  });
  const ctr = (...args: string[]) =>
    run("ctr", ["-a", address, "-n", "k8s.io", ...args], { timeout: 120_000, maxBuffer: 16 << 20 });
  try {
    await listening(daemon, ctr, () => said);
    for (const image of images) {
      await ctr("images", "import", "--snapshotter", snapshotter, image.archive);
      // As the CRI plugin leaves an image it pulled: the name and the id both refer to it, both labelled.
      await ctr("images", "tag", "--force", image.name, image.id);
      for (const ref of [image.name, image.id])
        await ctr("images", "label", ref, "io.cri-containerd.image=managed");
    }
  } finally {
    await stop(daemon);
    await rm(work, { recursive: true, force: true });
  }
  // The daemon's own id: every node's containerd makes its own.
  await rm(join(root, "io.containerd.grpc.v1.introspection"), { recursive: true, force: true });
  // Where another process was faster, its template is as good.
  await rename(partial, directory).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

async function listening(
  daemon: ChildProcess,
  ctr: (...args: string[]) => Promise<unknown>,
  said: () => string,
): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const ok = await ctr("version").then(
      () => true,
      () => false,
    );
    if (ok) return;
    if (daemon.exitCode !== null || performance.now() > deadline)
      throw new Error(`containerd did not start to unpack images: ${said().trim() || "no message"}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const closed = new Promise<void>((resolve) => daemon.once("close", () => resolve()));
  daemon.kill("SIGTERM");
  const timer = setTimeout(() => daemon.kill("SIGKILL"), 5000);
  await closed;
  clearTimeout(timer);
}

/**
 * Fills a node's containerd root (which must not hold a containerd yet) before containerd starts there; its CRI plugin then
 * knows every offline image. Returns false, having done nothing, where the root is in use already.
 */
export async function prepareContainerdRoot(
  template: Pick<ContainerdTemplate, "directory">,
  root: string,
): Promise<boolean> {
  if (existsSync(join(root, "io.containerd.metadata.v1.bolt"))) return false;
  const from = join(template.directory, "root");
  // Whole or not at all: a half-made root would share its databases with every other node.
  const partial = `${root}.new`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const linked = await run("cp", ["-al", `${from}/.`, partial], { timeout: 60_000 }).then(
    () => true,
    () => false,
  );
  if (linked)
    for (const database of databases) {
      if (!existsSync(join(from, database))) continue;
      await rm(join(partial, database));
      await cp(join(from, database), join(partial, database));
    }
  else {
    // Another file system (or one without hard links) gets copies.
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await run("cp", ["-a", "--reflink=auto", `${from}/.`, partial], { timeout: 120_000 });
  }
  await rm(root, { recursive: true, force: true });
  await rename(partial, root);
  return true;
}

/** Files that containerd changes in place. */
const databases = [
  "io.containerd.metadata.v1.bolt/meta.db",
  "io.containerd.snapshotter.v1.overlayfs/metadata.db",
  "io.containerd.snapshotter.v1.native/metadata.db",
];
