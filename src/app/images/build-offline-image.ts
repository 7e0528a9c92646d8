// Builds one offline image from its spec: packages fetched and laid over each other, own files on top, checked for
// missing libraries, written as an OCI archive. The same packages give the same bytes.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { addBaseSystem, installers, withPath } from "./base-system.ts";
import { linkBusybox } from "./busybox-commands.ts";
import { downloadPackages, type KnownPackages, resolvePackages, updatePackageLists } from "./debian.ts";
import { elfNeeds } from "./elf-needs.ts";
import {
  addFile,
  addPackage,
  type FileTree,
  findLibrary,
  lookup,
  readPackage,
  writeLayer,
} from "./file-tree.ts";
import { type WrittenImage, writeOciArchive } from "./oci-archive.ts";
import type { ImageSpec } from "./spec.ts";

export interface BuildOptions {
  /** Where packages are kept. */
  readonly packageDir: string;
  /** The archive to write. */
  readonly archive: string;
  /** Packages that are read already; images built together share them. */
  readonly unpacked?: Map<string, FileTree>;
  /** What apt has said of packages, shared in the same way. */
  readonly known?: KnownPackages;
  log?(line: string): void;
}

export async function buildOfflineImage(spec: ImageSpec, options: BuildOptions): Promise<WrittenImage> {
  const debs = await fetchPackages(spec, options);
  const tree: FileTree = new Map();
  for (const files of await readPackages(debs, options.unpacked ?? new Map()))
    addPackage(tree, files, spec.only);
  for (const [path, file] of Object.entries(spec.files ?? {})) addFile(tree, path, file);
  addBaseSystem(tree, spec);
  if (spec.packages.includes("ca-certificates")) addCertificateBundle(tree);
  if (spec.busybox) await linkBusybox(tree, spec.busybox);
  const missing = missingLibraries(tree);
  if (missing.length > 0) throw new Error(`image ${spec.name} lacks ${missing.join(", ")}`);
  const layer = await writeLayer(tree);
  await mkdir(dirname(options.archive), { recursive: true });
  return writeOciArchive(spec.name, { layer, config: withPath(spec.config) }, options.archive);
}

/** In order; several at a time, for unpacking is what takes long. */
async function readPackages(debs: readonly string[], unpacked: Map<string, FileTree>): Promise<FileTree[]> {
  const waiting = debs.filter((d) => !unpacked.has(d));
  const work = async (): Promise<void> => {
    for (let deb = waiting.shift(); deb !== undefined; deb = waiting.shift())
      unpacked.set(deb, await readPackage(deb));
  };
  await Promise.all([work(), work(), work()]);
  return debs.map((d) => unpacked.get(d)!);
}

/** Old package lists name versions that the mirror no longer has: bring them up to date once, then try again. */
async function fetchPackages(spec: ImageSpec, options: BuildOptions): Promise<string[]> {
  const known = options.known ?? new Map();
  const without = [...installers, ...(spec.without ?? [])];
  const attempt = async (): Promise<string[]> =>
    downloadPackages(await resolvePackages(spec.packages, without, known), options.packageDir);
  try {
    return await attempt();
  } catch {
    options.log?.("apt-get update: the package lists are missing or old");
    await updatePackageLists();
    known.clear();
    return attempt();
  }
}

/** What the package's installation script would do; the single certificates are not needed beside the bundle. */
function addCertificateBundle(tree: FileTree): void {
  const certificates = [...tree.keys()]
    .filter((p) => p.startsWith("/usr/share/ca-certificates/") && p.endsWith(".crt"))
    .sort();
  const bundle = certificates.map((p) => `${tree.get(p)!.data!.toString().trim()}\n`).join("");
  for (const path of tree.keys()) if (path.startsWith("/usr/share/ca-certificates")) tree.delete(path);
  addFile(tree, "/etc/ssl/certs/ca-certificates.crt", { kind: "file", data: bundle });
}

/** `LIBRARY for FILE` for everything in the programs' directories that could not start. */
function missingLibraries(tree: FileTree): string[] {
  const missing = new Set<string>();
  const seen = new Set<Buffer>();
  const visit = (path: string, data: Buffer): void => {
    if (seen.has(data)) return;
    seen.add(data);
    const needs = elfNeeds(data);
    if (needs.interpreter && !lookup(tree, needs.interpreter))
      missing.add(`${needs.interpreter} for ${path}`);
    for (const library of needs.libraries) {
      const found = findLibrary(tree, library);
      if (found?.data) visit(library, found.data);
      else missing.add(`${library} for ${path}`);
    }
  };
  for (const [path, entry] of tree) if (entry.data && /^\/usr\/s?bin\//.test(path)) visit(path, entry.data);
  return [...missing];
}
