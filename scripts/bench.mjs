// npm run bench: every figure of the README as a ratio against a floor or a peer taken in the same run, in a network
// namespace without an uplink. `npm run bench -- NAME …` runs some of them (see test/bench/main.ts).
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { ensureSetUp, root } from "./setup.mjs";

/** Only benches need these; a figure whose tool cannot be had is left out, and the run says so. */
const tools = [
  { bench: "dns", name: "dnsperf", file: "/usr/bin/dnsperf", why: "asks DNS questions" },
  { bench: "dns", name: "unbound", file: "/usr/sbin/unbound", why: "the DNS server that ours stands beside" },
  { bench: "packets", name: "iperf3", file: "/usr/bin/iperf3", why: "sends a stream from pod to pod" },
];

function ensureTools(benches) {
  const needed = tools.filter((t) => benches.length === 0 || benches.includes(t.bench));
  for (const { name, why } of needed.filter((t) => !existsSync(t.file))) {
    console.log(`bench: apt-get install --no-install-recommends ${name} (${why})`);
    const { status } = spawnSync("apt-get", ["-qq", "install", "-y", "--no-install-recommends", name], {
      stdio: ["ignore", "ignore", "inherit"],
      // A package must not start a service here.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    });
    if (status !== 0) console.log(`bench: ${name} could not be installed; its figures are left out`);
  }
}

process.chdir(root);
ensureSetUp();
const wanted = process.argv.slice(2);
ensureTools(wanted);
const tsc = spawnSync("node_modules/.bin/tsc", ["-p", "tsconfig.json"], { stdio: "inherit" });
if (tsc.status !== 0) process.exit(1);
const node = [process.execPath, "--enable-source-maps", ".build/test/bench/main.js", ...wanted];
const child = spawn("unshare", ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...node], {
  stdio: "inherit",
});
// The benches take down what they have started before they end: they are told, and waited for.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`bench: unshare could not be run: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code) => process.exit(code ?? 1));
