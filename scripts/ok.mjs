// The gate before a commit: format and lint, types, layers, quick tests.
import { spawnSync } from "node:child_process";

const steps = [
  ["biome", ["check", "."]],
  ["tsc", ["-p", "tsconfig.json"]],
  ["node", ["scripts/layers.mjs"]],
  ["node", ["scripts/test.mjs", "--only", "unit"]],
];
for (const [command, args] of steps) {
  const bin = command === "node" ? process.execPath : `node_modules/.bin/${command}`;
  const { status } = spawnSync(bin, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
