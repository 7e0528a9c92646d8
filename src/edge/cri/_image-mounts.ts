// The files of images on this machine: a view of the image's snapshots in containerd, mounted with mount(8). The view is
// labelled as a root of containerd's garbage collection: it holds the files until it is removed, whatever happens to the
// image, to this process or to the machine; the mount is made again where it is missing.
import { mkdir, readFile, rmdir } from "node:fs/promises";
import type { ImageMounts } from "../../agents/kubelet/mod.ts";
import { run } from "../command/mod.ts";
import { type Channel, CriError } from "./_channel.ts";
import { mountFlags, type SnapshotMount, snapshotMountCommand } from "./_snapshot-mount.ts";

const limitMs = 10_000;
/** gRPC's codes. */
const notFound = 5;
const alreadyExists = 6;

async function flagsAt(path: string): Promise<ReadonlySet<string> | undefined> {
  return mountFlags(await readFile("/proc/self/mountinfo", "utf8"), path);
}

/** `snapshotter` resolves with the name of the one that containerd's CRI unpacks images with. */
export function createImageMounts(
  { call }: Pick<Channel, "call">,
  snapshotter: () => Promise<string>,
): ImageMounts {
  /** The snapshot that has all of the image's layers (OCI image-spec, ChainID). */
  async function chainOf(imageId: string): Promise<string> {
    const { info } = await call("ImageStatus", { image: { image: imageId }, verbose: true }, limitMs);
    const chain: unknown = info?.info === undefined ? undefined : JSON.parse(info.info).chainID;
    if (typeof chain !== "string")
      throw new Error(`the runtime does not tell the layers of image ${imageId}`);
    return chain;
  }

  async function view(imageId: string, key: string): Promise<SnapshotMount[]> {
    const at = { snapshotter: await snapshotter(), key };
    try {
      const labels = { "containerd.io/gc.root": new Date().toISOString() };
      return (await call("View", { ...at, parent: await chainOf(imageId), labels }, limitMs)).mounts;
    } catch (error) {
      if (!(error instanceof CriError && error.code === alreadyExists)) throw error;
      return (await call("Mounts", at, limitMs)).mounts;
    }
  }

  return {
    async mount(imageId, path) {
      const flags = await flagsAt(path);
      if (flags?.has("ro") && flags.has("noexec")) return;
      // The directory is first: by it everything else is found again.
      await mkdir(path, { recursive: true });
      const [mount, ...more] = await view(imageId, path);
      if (!mount || more.length > 0)
        throw new Error(`image ${imageId} has ${more.length} mounts more than one`);
      // Of a bind mount that was interrupted there is half.
      if (flags) await run("umount", ["-l", path]);
      const { args, directory } = snapshotMountCommand(mount, path);
      await run("mount", args, { directory });
    },
    async unmount(path) {
      while (await flagsAt(path)) await run("umount", ["-l", path]);
      const request = { snapshotter: await snapshotter(), key: path };
      await call("Remove", request, limitMs).catch((error) => {
        if (!(error instanceof CriError && error.code === notFound)) throw error;
      });
      await rmdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    },
  };
}
