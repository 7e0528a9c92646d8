// Keeps the address and the routes by which a node reaches the host, the other nodes and their pods: a link that was down for a
// moment has lost them. Pods' own routes are the CNI plugins'.
import { pause } from "../../control/client/mod.ts";
import type { NodeConfig } from "../../core/cluster/config.ts";
import { createRouteWatch } from "../../edge/netns/mod.ts";
import { ensureUplink } from "../cluster/link-routes.ts";

const lookEveryMs = 4000;

/** Runs until the signal aborts; everything stays. */
export async function keepUplink(
  { link, families }: NonNullable<NodeConfig["uplink"]>,
  log: (message: string, detail?: object) => void,
  signal: AbortSignal,
): Promise<void> {
  const watch = createRouteWatch();
  const touched = watch.reader();
  const watching = watch.run(signal);
  let failed = false;
  while (!signal.aborted) {
    await pause(lookEveryMs, signal);
    if (signal.aborted || !(failed || touched())) continue;
    try {
      for (const f of families) await ensureUplink(link, f);
      failed = false;
    } catch (error) {
      if (!failed) log("the node's routes could not be looked after", { link, error: String(error) });
      failed = true;
    }
  }
  await watching;
}
