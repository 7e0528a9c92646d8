// Who a test's directory belongs to: a process that was killed leaves its directory, and the next run sees that nobody owns it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Pid and start time (proc(5), field 22): a pid alone is given again. */
function identity(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "");
    return `${pid} ${stat.split(" ")[19]}`;
  } catch {
    return undefined;
  }
}

/** The directory is this process's. */
export function own(dir: string): void {
  writeFileSync(join(dir, "owner"), identity(`${process.pid}`)!);
}

/** False when the process that owned the directory is gone; true too when nobody ever said whose it is. */
export function isOwned(dir: string): boolean {
  try {
    const owner = readFileSync(join(dir, "owner"), "utf8");
    return identity(owner.split(" ")[0]!) === owner;
  } catch {
    return true;
  }
}
