// What a process knows of itself, for its metrics.
import { readdirSync } from "node:fs";
import type { ProcessFacts } from "../../core/metrics/mod.ts";

const started = Math.round(Date.now() / 1000 - process.uptime());

export function readProcessFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  let openFiles = 0;
  try {
    openFiles = readdirSync("/proc/self/fd").length;
  } catch {
    // No room for one more: then there is nothing better to say either.
  }
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openFiles,
    started,
  };
}
