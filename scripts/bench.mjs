// npm run bench: every figure of the README as a ratio against a floor or a peer taken in the same run, in a network
// namespace without an uplink. `npm run bench -- NAME …` runs some of them (see test/bench/main.ts).
import { spawnSync } from "node:child_process";
import { ensureSetUp, root } from "./setup.mjs";

process.chdir(root);
ensureSetUp();
const tsc = spawnSync("node_modules/.bin/tsc", ["-p", "tsconfig.json"], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(1);
const node = [
  process.execPath,
  "--enable-source-maps",
  ".build/test/bench/main.js",
  ...process.argv.slice(2),
];
const { status } = spawnSync(
  "unshare",
  ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...node],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
