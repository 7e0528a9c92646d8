// npm test: the gate (format, types, layers), then every test layer. Layers that send packets run in a network namespace
// of their own without an uplink. `--only LAYER[,LAYER]` runs some; further words filter test files by path.
// Ends with the runner's count over all layers.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureSetUp, root } from "./setup.mjs";

const layers = [
  { name: "unit", dirs: ["src"], packets: false, concurrency: 2, timeout: 120_000 },
  { name: "scenario", dirs: ["test/scenario"], packets: false, concurrency: 2, timeout: 120_000 },
  { name: "kernel", dirs: ["test/kernel"], packets: true, concurrency: 1, timeout: 300_000 },
  { name: "api", dirs: ["test/api"], packets: true, concurrency: 2, timeout: 300_000 },
  { name: "cluster", dirs: ["test/cluster"], packets: true, concurrency: 1, timeout: 600_000 },
];

process.chdir(root);
const args = process.argv.slice(2);
const at = args.indexOf("--only");
const only = at >= 0 ? args.splice(at, 2)[1].split(",") : layers.map((l) => l.name);
const whole = at < 0 && args.length === 0;

if (whole || only.some((l) => l !== "unit")) ensureSetUp();

function must(title, command, commandArgs) {
  const { status } = spawnSync(command, commandArgs, { stdio: "inherit" });
  if (status === 0) return;
  console.error(`${title} failed`);
  process.exit(1);
}

if (whole) must("format and lint", "node_modules/.bin/biome", ["check", "."]);
must("type check", "node_modules/.bin/tsc", ["-p", "tsconfig.json"]);
if (whole) must("layering", process.execPath, ["scripts/layers.mjs"]);

function* testFiles(dir) {
  if (!existsSync(dir)) return;
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, e.name);
    if (e.isDirectory()) yield* testFiles(path);
    else if (path.endsWith(".test.ts")) yield path;
  }
}

const total = { pass: 0, fail: 0, skipped: 0 };
mkdirSync(".build", { recursive: true });
for (const layer of layers.filter((l) => only.includes(l.name))) {
  const files = layer.dirs
    .flatMap((d) => [...testFiles(d)])
    .filter((f) => args.length === 0 || args.some((a) => f.includes(a)))
    .sort()
    .map((f) => `.build/${f.replace(/\.ts$/, ".js")}`);
  if (files.length === 0) continue;
  console.log(`\n== ${layer.name}: ${files.length} files`);
  const tap = `.build/${layer.name}.tap`;
  rmSync(tap, { force: true });
  const node = [
    process.execPath,
    "--enable-source-maps",
    "--test",
    `--test-concurrency=${layer.concurrency}`,
    `--test-timeout=${layer.timeout}`,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${tap}`,
    ...files,
  ];
  const command = layer.packets
    ? ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...node]
    : node;
  const { status } = spawnSync(command[0], command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
  const counts = existsSync(tap) ? readFileSync(tap, "utf8") : "";
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(counts)?.[1] ?? 0);
  total.pass += count("pass");
  total.fail += count("fail") + count("cancelled");
  total.skipped += count("skipped");
  if (status !== 0 && count("fail") + count("cancelled") === 0) total.fail++;
}
console.log(`\n${total.pass} passed, ${total.fail} failed, ${total.skipped} skipped`);
process.exit(total.fail === 0 && total.pass > 0 ? 0 : 1);
