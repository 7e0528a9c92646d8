// The door of controllers/service-cidrs.
import type { StartController } from "../context.ts";
import { startAddresses } from "./addresses.ts";
import { startRanges } from "./ranges.ts";

export const startServiceCIDRs: StartController = (context) => {
  const runs = [startRanges(context), startAddresses(context)];
  return async (signal) => void (await Promise.all(runs.map((run) => run(signal))));
};
