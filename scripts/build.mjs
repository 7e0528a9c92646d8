// Builds dist/: data taken from the official client's models (what no one should type by hand), then one bundle a process.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
mkdirSync("dist", { recursive: true });

if (existsSync("scripts/build-schema.mjs"))
  await (await import("./build-schema.mjs")).buildSchema(join(root, "dist"));

const entries = {
  portolan: "src/app/cli/main.ts",
  server: "src/app/server/main.ts",
  node: "src/app/node/main.ts",
  images: "src/app/images/main.ts",
};
await build({
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  legalComments: "none",
  external: ["lmdb"],
  banner: {
    js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);',
  },
  logLevel: "warning",
});
writeFileSync("dist/.built", "");
