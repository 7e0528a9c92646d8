// Makes sure that every offline image is there as an archive; what is there already is not looked at twice.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, buildOfflineImage } from "./build-offline-image.ts";
import { offlineImages } from "./catalogue.ts";
import type { ImageSpec } from "./spec.ts";

export const defaultCacheDir = "/var/cache/portolan";

export interface OfflineImage {
  /** Full reference. */
  readonly name: string;
  /** Path of the OCI archive. */
  readonly archive: string;
  /** `sha256:…` of the image's configuration. */
  readonly id: string;
}

export interface EnsureOptions {
  readonly cacheDir?: string;
  /** Builds again from the newest packages, even where an archive is there. */
  readonly refresh?: boolean;
  readonly images?: readonly ImageSpec[];
  log?(line: string): void;
}

/** Changes whenever the way images are put together changes. */
const builderVersion = 4;

function specHash(spec: ImageSpec): string {
  return createHash("sha256")
    .update(JSON.stringify([builderVersion, process.arch, spec]))
    .digest("hex")
    .slice(0, 16);
}

/** All offline images, built where missing. Root is not needed; apt and dpkg-deb are. */
export async function ensureImages(options: EnsureOptions = {}): Promise<OfflineImage[]> {
  const cacheDir = options.cacheDir ?? defaultCacheDir;
  const dir = join(cacheDir, "images");
  const ready: OfflineImage[] = [];
  const shared: Pick<BuildOptions, "unpacked" | "known"> = { unpacked: new Map(), known: new Map() };
  for (const spec of options.images ?? offlineImages) {
    const base = spec.name.replace(/[^\w.-]+/g, "_");
    const archive = join(dir, `${base}-${specHash(spec)}.tar`);
    const record = `${archive}.json`;
    if (options.refresh || !existsSync(archive) || !existsSync(record)) {
      const from = performance.now();
      await mkdir(dir, { recursive: true });
      const packageDir = join(cacheDir, "packages");
      const { id } = await buildOfflineImage(spec, { ...options, packageDir, archive, ...shared });
      await writeFile(`${record}.${process.pid}`, JSON.stringify({ name: spec.name, archive, id }));
      await rename(`${record}.${process.pid}`, record);
      options.log?.(
        `built image ${spec.name} from Debian packages (${((performance.now() - from) / 1000).toFixed(1)} s)`,
      );
    }
    const { id } = JSON.parse(await readFile(record, "utf8")) as OfflineImage;
    ready.push({ name: spec.name, archive, id });
  }
  return ready;
}
