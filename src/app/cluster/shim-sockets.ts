// The sockets of containerd's shims stand in /run/containerd/s whatever containerd's own directories are (containerd 1.6).
// A shim that is killed leaves its socket behind; the bundle it served says which one it was.
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const socketDir = "/run/containerd/s";
const bundles = "containerd/io.containerd.runtime.v2.task/k8s.io";

/** The socket that a bundle's `address` file names; undefined for one that stands elsewhere. */
export function shimSocket(address: string): string | undefined {
  const path = address.trim().replace(/^unix:\/\//, "");
  return /^[0-9a-f]{64}$/.test(path.slice(socketDir.length + 1)) && path.startsWith(`${socketDir}/`)
    ? path
    : undefined;
}

/** Removes the sockets of dead shims; `runDir` is the cluster's run directory, with one directory a node. */
export function removeShimSockets(runDir: string): void {
  const list = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
  for (const node of list(runDir))
    for (const id of list(join(runDir, node, bundles))) {
      const file = join(runDir, node, bundles, id, "address");
      const socket = existsSync(file) ? shimSocket(readFileSync(file, "utf8")) : undefined;
      if (socket) rmSync(socket, { force: true });
    }
  for (const dir of [socketDir, dirname(socketDir)]) {
    // Gone when empty, as before there were pods.
    try {
      rmdirSync(dir);
    } catch {
      return;
    }
  }
}
