// Makes sure that every offline image is there as an archive; what is there already is not looked at twice.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildOfflineImage } from "./build-offline-image.ts";
import { offlineImages, pauseImage } from "./catalogue.ts";
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
  /** Takes what is there and builds no more than no pod can do without. */
  readonly onlyReady?: boolean;
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

const baseName = (spec: ImageSpec): string => spec.name.replace(/[^\w.-]+/g, "_");

async function readRecord(archive: string): Promise<OfflineImage | undefined> {
  if (!existsSync(archive) || !existsSync(`${archive}.json`)) return undefined;
  const { name, id } = JSON.parse(await readFile(`${archive}.json`, "utf8")) as OfflineImage;
  return { name, archive, id };
}

/** An archive of the image that an earlier version made: better than none where it cannot be made anew. */
async function earlierArchive(dir: string, spec: ImageSpec): Promise<OfflineImage | undefined> {
  const names = (await readdir(dir)).filter((n) => n.startsWith(`${baseName(spec)}-`) && n.endsWith(".tar"));
  for (const name of names) {
    const found = await readRecord(join(dir, name));
    if (found?.name === spec.name) return found;
  }
  return undefined;
}

/**
 * All offline images, built where missing. Root is not needed; apt and dpkg-deb are. An image that cannot be built is said and
 * left out; without the pause image no pod can run, so that throws.
 */
export async function ensureImages(options: EnsureOptions = {}): Promise<OfflineImage[]> {
  const cacheDir = options.cacheDir ?? defaultCacheDir;
  const dir = join(cacheDir, "images");
  await mkdir(dir, { recursive: true });
  const specs = options.images ?? offlineImages;
  const archiveOf = (spec: ImageSpec): string => join(dir, `${baseName(spec)}-${specHash(spec)}.tar`);
  const shared = { packageDir: join(cacheDir, "packages"), unpacked: new Map(), known: new Map() };
  const ready: OfflineImage[] = [];
  for (const spec of specs) {
    const archive = archiveOf(spec);
    const there = options.refresh ? undefined : await readRecord(archive);
    if (there) {
      ready.push(there);
      continue;
    }
    const essential = spec.name === pauseImage;
    if (options.onlyReady && !essential) continue;
    const from = performance.now();
    try {
      const { id } = await buildOfflineImage(spec, { ...options, ...shared, archive });
      const record = { name: spec.name, archive, id };
      await writeFile(`${archive}.json.${process.pid}`, JSON.stringify(record));
      await rename(`${archive}.json.${process.pid}`, `${archive}.json`);
      ready.push(record);
      const took = ((performance.now() - from) / 1000).toFixed(1);
      options.log?.(`built image ${spec.name} from Debian packages (${took} s)`);
    } catch (error) {
      const earlier = await earlierArchive(dir, spec);
      if (!earlier && (essential || options.images)) throw error;
      const why = (error as Error).message.trim().split("\n").at(-1);
      options.log?.(
        `image ${spec.name} could not be built${earlier ? "; an earlier one is used" : ""}: ${why}`,
      );
      if (earlier) ready.push(earlier);
    }
  }
  return ready;
}
