// `portolan images`: what the nodes' containerds hold, loading archives into them, building archives from Debian packages.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "../../edge/command/mod.ts";
import { buildOfflineImage, defaultCacheDir, type ImageSpec } from "../images/mod.ts";
import { readPlan } from "./configs.ts";
import { nodePaths } from "./paths.ts";

function sockets(cluster: string): { node: string; socket: string }[] {
  const plan = readPlan(cluster);
  if (!plan) throw new Error(`there is no cluster "${cluster}"; start it: portolan up --name ${cluster}`);
  return plan.nodes.map((n) => ({ node: n.name, socket: nodePaths(cluster, n.name).criSocket }));
}

const ctr = (socket: string, args: string[], timeoutMs = 20_000): Promise<string> =>
  run("ctr", ["-a", socket, "-n", "k8s.io", ...args], { timeoutMs });

export async function listImages(cluster: string): Promise<{ node: string; image: string }[]> {
  const rows = await Promise.all(
    sockets(cluster).map(async ({ node, socket }) =>
      (await ctr(socket, ["images", "ls", "-q"]))
        .split("\n")
        .filter((image) => image !== "" && !image.startsWith("sha256:"))
        .map((image) => ({ node, image })),
    ),
  );
  return rows.flat();
}

/** Loads a docker-save or OCI archive into every node; resolves with a line a node and image. */
export async function loadImage(cluster: string, archive: string): Promise<string[]> {
  const file = resolve(archive);
  if (!existsSync(file)) throw new Error(`no such file: ${file}`);
  const loaded = await Promise.all(
    sockets(cluster).map(async ({ node, socket }) => {
      const out = await ctr(socket, ["images", "import", file], 600_000);
      return [...out.matchAll(/^unpacking (\S+)/gm)].map((m) => `${node}: loaded ${m[1]}`);
    }),
  );
  return loaded.flat();
}

/** Builds one image as a JSON file says: { name, packages, files?: { path: text }, config }. */
export async function buildFromFile(specification: string, archive: string): Promise<string> {
  const spec = JSON.parse(readFileSync(specification, "utf8")) as Omit<ImageSpec, "files"> & {
    files?: Record<string, string>;
  };
  if (typeof spec.name !== "string" || !Array.isArray(spec.packages) || typeof spec.config !== "object")
    throw new Error(
      `${specification}: expected an object with name (text), packages (list of Debian packages) and config`,
    );
  const files = Object.entries(spec.files ?? {}).map(
    ([path, data]) => [path, { kind: "file", data }] as const,
  );
  const cacheDir = process.env.PORTOLAN_CACHE_DIR ?? defaultCacheDir;
  const { id } = await buildOfflineImage(
    { ...spec, files: Object.fromEntries(files) },
    { packageDir: join(cacheDir, "packages"), archive: resolve(archive) },
  );
  return `${spec.name} ${id} in ${resolve(archive)}`;
}
