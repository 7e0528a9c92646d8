import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "./pace.ts";

/** How long, in ms, each of so many writes has to wait that come at once. */
async function waits(count: number, busy: boolean): Promise<number[]> {
  const signal = new AbortController().signal;
  const begin = performance.now();
  const pace = createPace({
    ...{ perSecond: 500, perSecondBusy: 100, burst: 3 },
    now: () => performance.now(),
    isBusy: () => busy,
  });
  const one = async (): Promise<number> => {
    await pace.write(signal);
    return performance.now() - begin;
  };
  return Promise.all(Array.from({ length: count }, one));
}

test("a burst goes at once, the rest at its rate, slower where much is to do", async () => {
  const idle = await waits(53, false);
  assert.ok(idle[49]! >= 85, `${idle[49]}`);
  const busy = await waits(23, true);
  assert.ok(busy[19]! >= 160, `${busy[19]}`);
});
