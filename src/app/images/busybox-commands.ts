// The links of a busybox image: one a command, asked of the image's own binary through the image's own loader.
import { type ExecFileException, execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { elfNeeds } from "./elf-needs.ts";
import { addFile, type FileTree, findLibrary, lookup } from "./file-tree.ts";
import type { ImageSpec } from "./spec.ts";

const run = promisify(execFile);

/**
 * Debian's busybox up to 1.36.1-4 is built without FEATURE_WGET_TIMEOUT and crashes at -T. This stands in front of it: the
 * time limit is one for the whole transfer there (busybox's own is one for each wait).
 */
export const wgetWithTimeout = `#!/bin/sh
limit= n=$#
while [ "$n" -gt 0 ]; do
  arg=$1 n=$((n - 1))
  shift
  case $arg in
    --) set -- "$@" -- ; while [ "$n" -gt 0 ]; do n=$((n - 1)); set -- "$@" "$1"; shift; done ;;
    --timeout=*) limit=\${arg#*=} ;;
    --timeout) limit=$1; shift; n=$((n - 1)) ;;
    --*|-) set -- "$@" "$arg" ;;
    -*)
      flags=\${arg#-} kept=
      while [ -n "$flags" ]; do
        flag=\${flags%"\${flags#?}"} flags=\${flags#?}
        case $flag in
          T) [ -n "$flags" ] || [ "$n" -gt 0 ] || exec busybox wget
            if [ -n "$flags" ]; then limit=$flags; else limit=$1; shift; n=$((n - 1)); fi; flags= ;;
          [OoPYUtn]) kept=$kept$flag$flags
            if [ -z "$flags" ] && [ "$flag" != n ] && [ "$n" -gt 0 ]; then
              set -- "$@" "-$kept" "$1"; shift; n=$((n - 1)); kept=
            fi
            flags= ;;
          *) kept=$kept$flag ;;
        esac
      done
      [ -z "$kept" ] || set -- "$@" "-$kept" ;;
    *) set -- "$@" "$arg" ;;
  esac
done
[ "\${limit:-0}" != 0 ] || exec busybox wget "$@"
busybox timeout "$limit" busybox wget "$@"
status=$?
[ "$status" != 143 ] && exit "$status"
echo "wget: download timed out" >&2
exit 1
`;

export async function linkBusybox(tree: FileTree, busybox: NonNullable<ImageSpec["busybox"]>): Promise<void> {
  const binary = lookup(tree, busybox.binary);
  if (!binary?.data) throw new Error(`no busybox at ${busybox.binary}`);
  const dir = await mkdtemp(join(tmpdir(), "portolan-busybox-"));
  try {
    const command = await runnable(tree, binary.data, dir);
    const call = (...args: string[]) =>
      run(command[0]!, [...command.slice(1), ...args], { timeout: 10_000, cwd: dir });
    const add = (name: string, file: Parameters<typeof addFile>[2]): void => {
      const taken = ["/usr/bin", "/usr/sbin"].some((d) => tree.has(`${d}/${name}`));
      if (!taken) addFile(tree, `${busybox.linkDirectory}/${name}`, file);
    };
    const { stdout } = await call("--list");
    const names = stdout.split("\n").filter((n) => n !== "" && n !== "busybox");
    // Without a URL this ends in a usage message, or in the crash.
    const crashes = await call("wget", "-T", "1").then(
      () => false,
      (error: ExecFileException) => error.signal === "SIGSEGV",
    );
    if (crashes) add("wget", { kind: "file", data: wgetWithTimeout, mode: 0o755 });
    for (const name of names) add(name, { kind: "symlink", target: "busybox" });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Writes the program, its loader and its libraries to `dir`; returns the command line that starts it. */
async function runnable(tree: FileTree, data: Buffer, dir: string): Promise<string[]> {
  const needs = elfNeeds(data);
  const program = join(dir, "busybox");
  await writeFile(program, data, { mode: 0o755 });
  if (!needs.interpreter) return [program];
  const loader = join(dir, "loader");
  await writeFile(loader, lookup(tree, needs.interpreter)!.data!, { mode: 0o755 });
  for (const library of needs.libraries) {
    const found = findLibrary(tree, library);
    if (!found?.data) throw new Error(`busybox needs ${library}, which none of the packages has`);
    await writeFile(join(dir, library), found.data, { mode: 0o755 });
  }
  return [loader, "--library-path", dir, program];
}
