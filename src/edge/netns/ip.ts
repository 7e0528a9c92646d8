// iproute2 as a port: batches of `ip` commands in this network namespace or in a named one, JSON answers.
import { run } from "../command/mod.ts";

/** Runs lines of `ip -batch` in one process; inside the named network namespace where one is given. */
export async function ipBatch(lines: readonly string[], netns?: string): Promise<void> {
  if (lines.length === 0) return;
  const input = `${lines.join("\n")}\n`;
  if (netns) await run("nsenter", [`--net=/run/netns/${netns}`, "ip", "-batch", "-"], { input });
  else await run("ip", ["-batch", "-"], { input });
}

/** `ip -json …` parsed. */
export async function ipJson<T>(args: readonly string[]): Promise<T> {
  const out = await run("ip", ["-json", ...args]);
  return JSON.parse(out.trim() === "" ? "[]" : out) as T;
}

/** Writes sysctls in this network namespace, or in a named one (keys as in /proc/sys, with slashes). */
export async function setSysctls(
  netns: string | undefined,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const input = Object.entries(values)
    .map(([key, value]) => `[ ! -e /proc/sys/${key} ] || echo ${value} > /proc/sys/${key}`)
    .join("\n");
  if (netns) await run("nsenter", [`--net=/run/netns/${netns}`, "sh", "-e"], { input });
  else await run("sh", ["-e"], { input });
}
