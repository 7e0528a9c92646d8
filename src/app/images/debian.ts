// Debian packages as a source of files: what a package needs (deb-control's Depends, first alternative), fetched with
// apt into a directory by version, checked by apt, never installed here.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type DebianPackage, parsePackages } from "./debian-control.ts";

const run = promisify(execFile);
const timeout = 120_000;

/** What apt knows, asked once: a call of apt-cache reads all its lists and takes most of a second. */
export type KnownPackages = Map<string, DebianPackage>;

const aptCache = async (...args: string[]): Promise<string> => {
  const options = { timeout, maxBuffer: 64 << 20 };
  // It fails where any of the names is unknown, having printed the others.
  const { stdout } = await run("apt-cache", args, options).catch((error: { stdout?: string }) => error);
  return stdout ?? "";
};

const dependsOnly = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(
  (k) => `--no-${k}`,
);

/** Learns of the packages and of all that they may need. */
async function learn(names: readonly string[], known: KnownPackages): Promise<void> {
  const around = await aptCache("depends", "--recurse", ...dependsOnly, ...names);
  const all = new Set([...names, ...around.split("\n").filter((line) => /^[a-z0-9]/.test(line))]);
  const unknown = [...all].map((n) => n.replace(/:.*$/, "")).filter((n) => !known.has(n));
  if (unknown.length === 0) return;
  for (const [name, p] of parsePackages(await aptCache("show", "--no-all-versions", ...unknown)))
    known.set(name, p);
}

/** The packages and everything they depend on, without those named in `without`, sorted by name. */
export async function resolvePackages(
  roots: readonly string[],
  without: readonly string[],
  known: KnownPackages,
): Promise<DebianPackage[]> {
  if (roots.some((name) => !known.has(name))) await learn(roots, known);
  const closure = new Map<string, DebianPackage>();
  const provided = new Set<string>();
  const skip = new Set(without);
  let wanted = [...roots];
  while (wanted.length > 0) {
    const found = wanted.map((name) => known.get(name)).filter((p) => p !== undefined);
    const next = new Set<string>();
    for (const p of found) {
      closure.set(p.name, p);
      for (const name of p.provides) provided.add(name);
    }
    for (const name of wanted)
      if (!closure.has(name) && !provided.has(name))
        throw new Error(`no Debian package ${name} is known to apt: run apt-get update`);
    const there = (a: string): boolean => skip.has(a) || closure.has(a) || provided.has(a) || next.has(a);
    for (const p of found)
      for (const alternatives of p.depends) if (!alternatives.some(there)) next.add(alternatives[0]!);
    wanted = [...next];
  }
  return [...closure.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The name apt gives the file: an epoch's colon is escaped. */
const fileName = (p: DebianPackage): string =>
  `${p.name}_${p.version.replace(/:/g, "%3a")}_${p.architecture}.deb`;

/** Fetches what is not in `directory` yet; returns the files in the order of the packages. */
export async function downloadPackages(
  packages: readonly DebianPackage[],
  directory: string,
): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const missing = packages.filter((p) => !existsSync(join(directory, fileName(p))));
  if (missing.length > 0) {
    const partial = join(directory, `partial-${process.pid}`);
    await mkdir(partial, { recursive: true });
    try {
      const what = missing.map((p) => `${p.name}=${p.version}`);
      await run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...what], {
        cwd: partial,
        timeout,
        maxBuffer: 16 << 20,
      });
      for (const p of missing) await rename(join(partial, fileName(p)), join(directory, fileName(p)));
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
  return packages.map((p) => join(directory, fileName(p)));
}

/** Brings apt's lists up to date; needed on a machine whose lists are empty or name versions that are gone. */
export async function updatePackageLists(): Promise<void> {
  await run("apt-get", ["-q", "update"], { timeout, maxBuffer: 16 << 20 });
}
