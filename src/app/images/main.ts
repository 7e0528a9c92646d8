// Set-up's entry: builds the offline images and the containerd template where they are missing.
import { ensureContainerdTemplate } from "./containerd-template.ts";

const at = process.argv.indexOf("--cache");
const cacheDir = at > 0 ? process.argv[at + 1] : process.env.PORTOLAN_CACHE_DIR;
try {
  await ensureContainerdTemplate({
    ...(cacheDir ? { cacheDir } : {}),
    refresh: process.argv.includes("--refresh"),
    log: (line) => console.log(`setup: ${line}`),
  });
} catch (error) {
  console.error(`portolan: the offline images could not be built: ${(error as Error).message}`);
  process.exit(1);
}
