// What the kernel still holds of containerd's streams. A socket that is closed with unread input is reset, and the reset
// throws away the output that it had not handed over yet (RFC 1122 section 4.2.2.13); so whoever makes containerd close
// looks here first. Read from /proc/net/tcp (proc(5)), which tells both ends of a connection on this machine.
import { readFile } from "node:fs/promises";

interface Held {
  /** Bytes that the other end's kernel does not have yet. */
  unsent: number;
  /** Bytes that came and that this end's process has not read. */
  unread: number;
}

const established = "01";

/**
 * Whether a close now would lose output: a connection served on `port` has input that its server has not read, and output
 * that its client has not. `table` is the text of /proc/net/tcp or tcp6.
 */
export function wouldLose(table: string, port: number): boolean {
  const served: { peer: string; held: Held }[] = [];
  const ends = new Map<string, Held>();
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n")) {
    const [, local, remote, state, queues] = line.trim().split(/\s+/);
    if (!local || !remote || !queues || state !== established) continue;
    if (!local.endsWith(suffix) && !remote.endsWith(suffix)) continue;
    const [unsent = 0, unread = 0] = queues.split(":").map((n) => Number.parseInt(n, 16));
    const held = { unsent, unread };
    ends.set(`${local} ${remote}`, held);
    if (local.endsWith(suffix)) served.push({ peer: `${remote} ${local}`, held });
  }
  return served.some(
    ({ peer, held }) => held.unread > 0 && (held.unsent > 0 || (ends.get(peer)?.unread ?? 0) > 0),
  );
}

/** The same of this machine now; false when it cannot be known. */
export async function wouldLoseNow(port: number): Promise<boolean> {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"])
    if (wouldLose(await readFile(table, "latin1").catch(() => ""), port)) return true;
  return false;
}
