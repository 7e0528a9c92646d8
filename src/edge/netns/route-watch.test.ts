import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRouteWatch, type RouteWatch } from "./route-watch.ts";

let stop: AbortController | undefined;
let running: Promise<void> | undefined;
afterEach(async () => {
  stop?.abort();
  await running;
});

function start(command: string[], times: { restMs?: number; seldomMs?: number } = {}): RouteWatch {
  stop = new AbortController();
  const watch = createRouteWatch({ command, startMs: 30, restMs: 30, ...times });
  running = watch.run(stop.signal);
  return watch;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (check()) return;
    await sleep(10);
  }
  assert.fail("it did not come to pass");
}

test("yes until it is known to listen, then no until there is a change, for each reader", async () => {
  const watch = start(["sh", "-c", "sleep 0.6; echo change; exec sleep 100"], { restMs: 300 });
  const [one, other] = [watch.reader(), watch.reader()];
  assert.ok(one());
  assert.ok(one());
  await until(() => !one());
  assert.ok(other());
  assert.ok(!other());
  assert.ok(!one());
  await until(one);
  assert.ok(other());
});

test("yes all the time where the program cannot be run, or ends", async () => {
  for (const command of [["/nonexistent"], ["false"]]) {
    const asked = start(command).reader();
    for (let i = 0; i < 10; i++) {
      assert.ok(asked());
      await sleep(20);
    }
    stop!.abort();
    await running;
  }
});

test("yes now and then without a change", async () => {
  const asked = start(["sleep", "100"], { seldomMs: 80 }).reader();
  await until(() => !asked());
  await until(asked);
  assert.ok(!asked());
});
