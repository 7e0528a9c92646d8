// Checks the imports of src/ against one ordered list: a wing may import the wings named with it, a role never another role;
// and that every room has its README and its door.
// Run by `npm test`; prints every import that breaks the law and exits 1.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/** From each place to the places it may import, first match wins; every row has its reason. */
const law = [
  {
    from: "src/core/api/",
    to: ["src/core/api/", "src/core/net/"],
    why: "kinds and API rules are pure and know addresses only",
  },
  { from: "src/core/net/", to: ["src/core/net/"], why: "the ground floor" },
  { from: "src/core/nft/", to: ["src/core/nft/", "src/core/net/"], why: "nftables objects as data" },
  { from: "src/core/network/", to: ["src/core/"], why: "API objects in, tables out" },
  { from: "src/core/", to: ["src/core/"], why: "pure: knows nothing above it" },
  {
    from: "src/control/client/",
    to: ["src/core/", "src/control/client/"],
    why: "the API as every component sees it",
  },
  {
    from: "src/control/store/",
    to: ["src/core/", "src/control/store/"],
    why: "the store knows keys and bytes only",
  },
  {
    from: "src/control/controllers/",
    to: ["src/core/", "src/control/client/", "src/control/controllers/"],
    why: "controllers speak only the API",
  },
  {
    from: "src/control/scheduler/",
    to: ["src/core/", "src/control/client/", "src/control/scheduler/"],
    why: "the scheduler speaks only the API",
  },
  {
    from: "src/control/apiserver/",
    to: ["src/core/", "src/control/client/", "src/control/store/", "src/control/apiserver/"],
    why: "the server serves; it never reconciles",
  },
  {
    from: "src/agents/:role/",
    to: ["src/core/", "src/control/client/", "src/agents/:role/"],
    why: "roles meet in the tables, never in each other",
  },
  {
    from: "src/edge/:place/",
    to: ["src/core/", "src/control/", "src/agents/", "src/edge/command/", "src/edge/:place/"],
    why: "an edge implements ports that lower wings declare; only running a program is shared",
  },
  { from: "src/app/", to: ["src/"], why: "the only place that connects" },
];

function* files(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, e.name);
    if (e.isDirectory()) yield* files(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

/** Folders whose files are imported by name: contracts, and commands that load only what they need. */
const doorless = [/^src\/core\/(api|cluster)$/, /^src\/app\/[^/]+$/];

function* missing(dir, depth = 0) {
  const entries = readdirSync(dir, { withFileTypes: true });
  const has = (name) => entries.some((e) => e.name === name);
  // The first two floors, src/ and its wings, are in docs/architecture.md and CONTRIBUTING.md.
  if (depth >= 2 && !has("README.md")) yield join(dir, "README.md");
  if (depth >= 2 && !has("mod.ts") && !doorless.some((d) => d.test(dir))) yield join(dir, "mod.ts");
  for (const e of entries) if (e.isDirectory()) yield* missing(join(dir, e.name), depth + 1);
}

function ruleFor(file) {
  for (const rule of law) {
    const pattern = new RegExp(`^${rule.from.replace(/:(\w+)/g, "(?<$1>[^/]+)")}`);
    const m = pattern.exec(file);
    if (m) return { ...rule, to: rule.to.map((t) => t.replace(/:(\w+)/g, (_, n) => m.groups[n])) };
  }
  return undefined;
}

let broken = 0;
for (const file of missing("src")) {
  console.log(`${file} is missing: every room has a README and a door`);
  broken++;
}
for (const file of files("src")) {
  const test = file.endsWith(".test.ts");
  const rule = ruleFor(file);
  if (!rule) {
    console.log(`${file}: stands in no wing of the house`);
    broken++;
    continue;
  }
  for (const m of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    const target = relative(".", normalize(join(dirname(file), m[1])));
    if (test && /^(test|src\/edge|src\/core|src\/control)\//.test(target)) continue;
    const door = /\/_[^/]*$/.test(target) && dirname(target) !== dirname(file);
    if (rule.to.some((t) => target.startsWith(t)) && !door) continue;
    console.log(
      `${file} imports ${target}: ${door ? "what starts with _ is private to its folder" : `not allowed (${rule.why})`}`,
    );
    broken++;
  }
}
if (broken > 0) process.exit(1);
console.log("layers: every import points downward");
