// A path as a process sees it whose root is a directory: links are followed one by one and never out of it, however they
// are written. For trees that nobody changes meanwhile.
import { lstat, readlink } from "node:fs/promises";

/** Links on the way, as the kernel counts them (path_resolution(7)). */
const mostLinks = 40;

const partsOf = (path: string): string[] => path.split("/").filter((p) => p !== "" && p !== ".");

export async function findInside(root: string, path: string): Promise<string | undefined> {
  let at: string[] = [];
  const ahead = partsOf(path);
  for (let links = 0; ahead.length > 0; ) {
    const part = ahead.shift()!;
    if (part === "..") {
      at.pop();
      continue;
    }
    const here = [root, ...at, part].join("/");
    const found = await lstat(here).catch(() => undefined);
    if (!found) return undefined;
    if (!found.isSymbolicLink()) {
      if (ahead.length > 0 && !found.isDirectory()) return undefined;
      at.push(part);
      continue;
    }
    if (++links > mostLinks) return undefined;
    const target = await readlink(here);
    if (target.startsWith("/")) at = [];
    ahead.unshift(...partsOf(target));
  }
  return [root, ...at].join("/");
}
