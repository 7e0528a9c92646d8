// Builds dist/: data taken from the official client's models (what no one should type by hand), then one bundle a process.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildSchema } from "./build-schema.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
mkdirSync("dist", { recursive: true });

await buildSchema(join(root, "dist"));
await build({
  entryPoints: {
    portolan: "src/app/cli/main.ts",
    server: "src/app/server/main.ts",
    node: "src/app/node/main.ts",
    images: "src/app/images/main.ts",
  },
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
