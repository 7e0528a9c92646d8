// npm start: set-up, then `portolan up` with whatever options came.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureSetUp, root } from "./setup.mjs";

ensureSetUp();
const { status } = spawnSync(join(root, "bin/portolan"), ["up", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exit(status ?? 1);
