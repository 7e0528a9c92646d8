// One image as a tar in the OCI image layout (image-spec v1, with the index annotation containerd reads names from) that
// also carries docker's manifest.json, so `ctr images import`, `docker load` and `podman load` all take it.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { ImageConfig } from "./spec.ts";

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm",
  ia32: "386",
};

export interface WrittenImage {
  /** The image's id: digest of its configuration. */
  readonly id: string;
  readonly manifestDigest: string;
}

/** Writes `layer` (an uncompressed tar) as the image `name` to `file`, whole or not at all. */
export async function writeOciArchive(
  name: string,
  image: { layer: Buffer; config: ImageConfig },
  file: string,
): Promise<WrittenImage> {
  const layerDigest = sha256(image.layer);
  const config = json({
    created: "1970-01-01T00:00:00Z",
    architecture: architectures[process.arch] ?? process.arch,
    os: "linux",
    config: image.config,
    rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "portolan images build" }],
  });
  const configDigest = sha256(config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: `sha256:${configDigest}`,
      size: config.length,
    },
    layers: [
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: `sha256:${layerDigest}`,
        size: image.layer.length,
      },
    ],
  });
  const manifestDigest = sha256(manifest);
  const index = json({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: `sha256:${manifestDigest}`,
        size: manifest.length,
        annotations: {
          "io.containerd.image.name": name,
          "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
        },
      },
    ],
  });
  const docker = json([
    {
      Config: `blobs/sha256/${configDigest}`,
      RepoTags: [name.replace(/^docker\.io\/(library\/)?/, "")],
      Layers: [`blobs/sha256/${layerDigest}`],
    },
  ]);
  const out = pack();
  const add = (path: string, data: Buffer): void => {
    out.entry({ name: path, mode: 0o644, mtime: new Date(0) }, data);
  };
  add("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  add("index.json", index);
  add("manifest.json", docker);
  add(`blobs/sha256/${manifestDigest}`, manifest);
  add(`blobs/sha256/${configDigest}`, config);
  add(`blobs/sha256/${layerDigest}`, image.layer);
  out.finalize();
  const partial = `${file}.partial-${process.pid}`;
  await pipeline(out, createWriteStream(partial));
  await rename(partial, file);
  return { id: `sha256:${configDigest}`, manifestDigest: `sha256:${manifestDigest}` };
}
