// The official JavaScript client on Node 20: its HTTP library looks for two functions of later releases when it is loaded.
// Neither is ever called by what tests do with it.
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);
const zlib = require("node:zlib") as Record<string, unknown>;
const threads = require("node:worker_threads") as Record<string, unknown>;
zlib.createZstdDecompress ??= () => {
  throw new Error("zstd is not available in this release of Node");
};
threads.markAsUncloneable ??= () => {};
syncBuiltinESMExports();

export const k8s = await import("@kubernetes/client-node");
