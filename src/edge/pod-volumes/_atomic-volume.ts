// Replaces the content of a volume in one step: files live in a dated directory, `..data` links to it, and each name at
// the top links through `..data`, so a reader sees the old set or the new one, never a mixture (kubelet AtomicWriter's layout).
import { randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Ownership, VolumeFile } from "../../agents/kubelet/mod.ts";

const dataLink = "..data";
const setgid = 0o2000;

const fileMode = (file: VolumeFile, ownership: Ownership | undefined): number =>
  ownership ? file.mode | 0o440 : file.mode;

async function isCurrent(
  current: string,
  files: ReadonlyMap<string, VolumeFile>,
  ownership: Ownership | undefined,
): Promise<boolean> {
  const names = (await readdir(current, { recursive: true, withFileTypes: true }).catch(() => [])).filter(
    (e) => e.isFile(),
  );
  if (names.length !== files.size) return false;
  for (const [name, file] of files) {
    const path = join(current, name);
    const [content, facts] = await Promise.all([
      readFile(path).catch(() => undefined),
      stat(path).catch(() => undefined),
    ]);
    if (!content?.equals(file.content) || (facts!.mode & 0o777) !== fileMode(file, ownership)) return false;
  }
  return true;
}

function refuseOutside(name: string): void {
  if (name.startsWith("/") || name.split("/").includes("..") || name.startsWith(".."))
    throw new Error(`file path "${name}" leads out of the volume`);
}

export async function writeVolume(
  path: string,
  files: ReadonlyMap<string, VolumeFile>,
  ownership: Ownership | undefined,
): Promise<void> {
  for (const name of files.keys()) refuseOutside(name);
  await mkdir(path, { recursive: true, mode: 0o755 });
  await chmod(path, ownership ? setgid | 0o777 : 0o777);
  if (ownership) await chown(path, 0, ownership.gid);
  const link = join(path, dataLink);
  const old = await readlink(link).catch(() => undefined);
  if (old && (await isCurrent(join(path, old), files, ownership))) return;

  const stamp = new Date().toISOString().replaceAll(/[-:]/g, "_").slice(0, 19).replace("T", "_");
  const fresh = `..${stamp}.${randomBytes(5).readUIntBE(0, 5)}`;
  const dir = join(path, fresh);
  await mkdir(dir, { mode: 0o755 });
  if (ownership) await chown(dir, 0, ownership.gid);
  await chmod(dir, ownership ? setgid | 0o755 : 0o755);
  for (const [name, file] of files) {
    const target = join(dir, name);
    if (name.includes("/")) await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, file.content);
    if (ownership || file.uid !== undefined) await chown(target, file.uid ?? 0, ownership?.gid ?? 0);
    await chmod(target, fileMode(file, ownership));
  }
  await rm(`${link}_tmp`, { force: true });
  await symlink(fresh, `${link}_tmp`);
  await rename(`${link}_tmp`, link);

  const tops = new Set([...files.keys()].map((name) => name.split("/")[0]!));
  const present = await readdir(path);
  for (const top of tops) if (!present.includes(top)) await symlink(join(dataLink, top), join(path, top));
  for (const name of present)
    if (!name.startsWith("..") && !tops.has(name)) await rm(join(path, name), { force: true });
  if (old) await rm(join(path, old), { recursive: true, force: true });
}
