// A small image of several layers as an archive for `portolan images load`, in the layout of docker save: nothing in it can
// run, it is files to be mounted.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";

/** Content by path; one that begins with `-> ` is a link. */
export type Layer = Readonly<Record<string, string>>;

async function bytesOf(tar: Pack): Promise<Buffer> {
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function tarOf(layer: Layer): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(layer)) {
    if (content.startsWith("-> ")) tar.entry({ name, type: "symlink", linkname: content.slice(3) });
    else tar.entry({ name, mode: 0o755 }, content);
  }
  return bytesOf(tar);
}

/** `name` is a full reference; later layers lie over earlier ones. */
export async function writeLayeredImage(name: string, layers: readonly Layer[], file: string): Promise<void> {
  const tars = await Promise.all(layers.map(tarOf));
  const config = {
    architecture: { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch,
    os: "linux",
    config: {},
    rootfs: {
      type: "layers",
      diff_ids: tars.map((t) => `sha256:${createHash("sha256").update(t).digest("hex")}`),
    },
  };
  const names = tars.map((_, i) => `layer-${i}.tar`);
  const out = pack();
  out.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: "config.json", RepoTags: [name], Layers: names }]),
  );
  out.entry({ name: "config.json" }, JSON.stringify(config));
  for (const [i, tar] of tars.entries()) out.entry({ name: names[i]! }, tar);
  out.finalize();
  await pipeline(out, createWriteStream(file));
}
