// Debian packages as a source of files: what a package needs (deb-control's Depends, first alternative), fetched with
// apt into a directory by version, checked by apt, never installed here.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const timeout = 120_000;

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: readonly (readonly string[])[];
  /** Virtual packages that this one stands for. */
  readonly provides: readonly string[];
}

/** A paragraph of `apt-cache show`. */
function parsePackage(paragraph: string): DebianPackage | undefined {
  const fields = new Map<string, string>();
  for (const line of paragraph.replace(/\n[ \t]+/g, " ").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const name = fields.get("Package");
  const version = fields.get("Version");
  if (!name || !version) return undefined;
  const depends = [fields.get("Pre-Depends"), fields.get("Depends")]
    .filter((d) => d !== undefined)
    .flatMap((d) => d.split(","))
    .map((d) => d.split("|").map((a) => a.trim().replace(/[ (:].*$/, "")))
    .filter((alternatives) => alternatives[0] !== "");
  const provides = (fields.get("Provides") ?? "").split(",").map((p) => p.trim().replace(/[ (:].*$/, ""));
  return { name, version, architecture: fields.get("Architecture") ?? "all", depends, provides };
}

async function show(names: readonly string[]): Promise<Map<string, DebianPackage>> {
  const { stdout } = await run("apt-cache", ["show", "--no-all-versions", ...names], {
    timeout,
    maxBuffer: 64 << 20,
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }));
  const found = new Map<string, DebianPackage>();
  for (const paragraph of stdout.split(/\n\n+/)) {
    const p = parsePackage(paragraph);
    if (p && !found.has(p.name)) found.set(p.name, p);
  }
  return found;
}

/** The packages and everything they depend on, without those named in `without`, sorted by name. */
export async function resolvePackages(
  roots: readonly string[],
  without: readonly string[],
): Promise<DebianPackage[]> {
  const closure = new Map<string, DebianPackage>();
  const provided = new Set<string>();
  const skip = new Set(without);
  let wanted = [...roots];
  while (wanted.length > 0) {
    const found = await show(wanted);
    const next = new Set<string>();
    for (const p of found.values()) {
      closure.set(p.name, p);
      for (const name of p.provides) provided.add(name);
    }
    for (const name of wanted)
      if (!found.has(name) && !provided.has(name))
        throw new Error(`no Debian package ${name} is known to apt: run apt-get update`);
    const there = (a: string): boolean => skip.has(a) || closure.has(a) || provided.has(a) || next.has(a);
    for (const p of found.values())
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
