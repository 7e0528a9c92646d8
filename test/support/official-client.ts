// The official JavaScript client on Node 20: its HTTP library looks for functions of later releases. Two are
// never called by what tests do with it, the third is a convenience.
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);
const zlib = require("node:zlib") as Record<string, unknown>;
const threads = require("node:worker_threads") as Record<string, unknown>;
zlib.createZstdDecompress ??= () => {
  throw new Error("zstd is not available in this release of Node");
};
threads.markAsUncloneable ??= () => {};
const promises = Promise as unknown as Record<string, unknown>;
promises.withResolvers ??= () => {
  const made: Record<string, unknown> = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
syncBuiltinESMExports();

export const k8s = await import("@kubernetes/client-node");
