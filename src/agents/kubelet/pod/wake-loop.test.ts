import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createWakeLoop } from "./wake-loop.ts";

function started(look: (n: number) => Promise<void>) {
  let looks = 0;
  const errors: unknown[] = [];
  const loop = createWakeLoop({ look: () => look(++looks), onError: (e) => errors.push(e), now: Date.now });
  return { loop, errors, looks: () => looks };
}

test("wakes during a look make one more look, after it", async () => {
  let release = (): void => {};
  let under = 0;
  const t = started(async () => {
    under++;
    assert.equal(under, 1);
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    under--;
  });
  t.loop.wake();
  t.loop.wake();
  t.loop.wake();
  assert.equal(t.looks(), 1);
  release();
  await turn();
  assert.equal(t.looks(), 2);
  release();
  await turn();
  assert.equal(t.looks(), 2);
});

test("a failed look is told and comes again after a second, unless the loop has ended", (c) => {
  c.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  return (async () => {
    const t = started(async (n) => {
      if (n === 1) throw new Error("no");
    });
    t.loop.wake();
    await turn();
    assert.equal(t.errors.length, 1);
    c.mock.timers.tick(999);
    assert.equal(t.looks(), 1);
    c.mock.timers.tick(1);
    assert.equal(t.looks(), 2);
    await turn();
    t.loop.wakeAt(Date.now() + 10);
    t.loop.end();
    c.mock.timers.tick(20);
    t.loop.wake();
    assert.equal(t.looks(), 2);
  })();
});

test("a later wakeAt replaces the earlier one", async (c) => {
  c.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const t = started(async () => {});
  t.loop.wakeAt(Date.now() + 10);
  t.loop.wakeAt(Date.now() + 50);
  c.mock.timers.tick(20);
  assert.equal(t.looks(), 0);
  t.loop.wakeAt(undefined);
  c.mock.timers.tick(100);
  assert.equal(t.looks(), 0);
});
