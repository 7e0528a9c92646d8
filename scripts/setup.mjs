// Makes a machine ready: npm packages, system packages (said before they are installed), the build.
// `npm run setup` does this alone; `npm start` and `npm test` begin with it. What is there already is left alone.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Debian packages, each with the file that shows it is there and the reason for it. */
const systemPackages = [
  { name: "containerd", file: ["/usr/bin/containerd"], why: "runs containers" },
  { name: "runc", file: ["/usr/sbin/runc", "/usr/bin/runc"], why: "starts each container for containerd" },
  {
    name: "containernetworking-plugins",
    file: ["/usr/lib/cni/ptp", "/opt/cni/bin/ptp"],
    why: "wires pods to their node",
  },
  { name: "nftables", file: ["/usr/sbin/nft"], why: "routes Services in the kernel" },
  { name: "conntrack", file: ["/usr/sbin/conntrack"], why: "clears stale UDP flows" },
  {
    name: "perl-base",
    file: ["/usr/bin/perl"],
    why: "carries netlink messages: others' changes of the rules, stale UDP flows; speaks SCTP in tests",
  },
  { name: "iproute2", file: ["/usr/sbin/ip", "/sbin/ip"], why: "makes nodes and links" },
  { name: "util-linux", file: ["/usr/bin/nsenter"], why: "enters a node's network namespace" },
];

function fail(message) {
  console.error(`portolan: ${message}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], ...options });
  if (result.error) fail(`${command} could not be run: ${result.error.message}`);
  return result.status ?? 1;
}

function ensureNodePackages() {
  const lock = join(root, "package-lock.json");
  const stamp = join(root, "node_modules", ".package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(stamp) && samePackages(lock, stamp)) return;
  // Not `npm ci`: it refuses where a registry lacks another platform's optional packages. The lock file holds either way.
  console.log("setup: installing npm packages (npm install --no-save)");
  if (run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]) !== 0)
    fail("npm install failed; see above");
}

/** A checkout gives the lock file a new date: compare what is installed before installing it again. */
function samePackages(lock, stamp) {
  const versions = (file) => {
    const packages = JSON.parse(readFileSync(file, "utf8")).packages;
    return Object.fromEntries(
      Object.entries(packages)
        .filter(([path, p]) => path && !p.optional)
        .map(([path, p]) => [path, p.version]),
    );
  };
  const wanted = versions(lock);
  const have = versions(stamp);
  return Object.keys(wanted).every((path) => have[path] === wanted[path]);
}

export function missingSystemPackages() {
  return systemPackages.filter((p) => !p.file.some((f) => existsSync(f)));
}

function ensureSystemPackages() {
  const missing = missingSystemPackages();
  if (missing.length === 0) return;
  const names = missing.map((p) => p.name);
  for (const p of missing) console.log(`setup: needs the package ${p.name}: ${p.why}`);
  const os = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  if (!/^ID(_LIKE)?=.*(debian|ubuntu)/m.test(os))
    fail(`please install with your package manager: ${names.join(" ")}`);
  if (process.getuid() !== 0)
    fail(`please run as root: apt-get install --no-install-recommends ${names.join(" ")}`);
  console.log(`setup: apt-get install --no-install-recommends ${names.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // A package must not start a service here: Portolan runs its own containerd.
  const install = () =>
    run("apt-get", ["-q", "install", "-y", "--no-install-recommends", ...names], {
      env: { ...env, RUNLEVEL: "1" },
    });
  if (install() !== 0) {
    run("apt-get", ["-q", "update"], { env });
    if (install() !== 0) fail(`apt-get could not install ${names.join(" ")}; see above`);
  }
}

function newest(dir) {
  let time = 0;
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, e.name);
    time = Math.max(time, e.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
}

/** True when dist/ is missing or older than what it is made from. The published npm package has no src/. */
function buildIsStale() {
  if (!existsSync(join(root, "src"))) return false;
  const stamp = join(root, "dist", ".built");
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return (
    ["src", "scripts"].some((d) => newest(join(root, d)) > built) ||
    statSync(join(root, "package-lock.json")).mtimeMs > built
  );
}

/** The offline images, made of Debian packages (fetched, not installed) and cached in /var/cache/portolan. */
function ensureImages() {
  if (!existsSync(join(root, "dist", "images.js"))) return;
  if (run(process.execPath, ["dist/images.js"]) !== 0) fail("the offline images are not there; see above");
}

export function ensureSetUp() {
  if (existsSync(join(root, "src"))) ensureNodePackages();
  ensureSystemPackages();
  if (buildIsStale()) {
    console.log("setup: building dist/");
    if (run(process.execPath, ["scripts/build.mjs"]) !== 0) fail("the build failed; see above");
  }
  ensureImages();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureSetUp();
  console.log("setup: everything is there");
}
