// More ways of balancing than a word has classes for: every Service works all the same, a restarted proxy changes nothing, and
// chains that nobody uses any more go.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as refs from "../../src/core/api/refs.ts";
import { eventually } from "../support/eventually.ts";
import { service, slice } from "./objects.ts";
import { openProxyRig } from "./proxy-rig.ts";

const count = 1500;
const rig = openProxyRig([["a0", "b0"]], 30_000);

const addressOf = (i: number): string => `10.97.${i >> 8}.${i & 255}`;
const chains = async (): Promise<number> =>
  (await rig.onNode("nft", "list table ip portolan-lab")).match(/^\tchain /gm)!.length;

/** Each Service's clients are remembered for a time of its own. */
function put(i: number, timeoutSeconds: number): void {
  rig.api.put(
    refs.services,
    service(`s${i}`, addressOf(i), {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds } },
    }),
  );
}
const dial = async (i: number): Promise<string | undefined> =>
  (await rig.lab.pod.b0!.dial(addressOf(i), 80)).name;

test("1,500 affinity time-outs at once", { timeout: 90_000 }, async () => {
  const { api, lab } = rig;
  for (let i = 0; i < count; i++) {
    put(i, 1000 + i);
    api.put(refs.endpointSlices, slice(`s${i}`, [lab.pod.a0!]));
  }
  await rig.start();
  assert.match(await rig.onNode("nft", "list map ip portolan-lab ways"), /goto sticky-/);
  for (const i of [0, 700, 1499]) assert.equal(await dial(i), "a0", `Service ${i}`);

  await rig.end();
  const { scripts, warnings } = await rig.start();
  assert.deepEqual(scripts, []);

  const most = await chains();
  for (let i = 0; i < count; i++) put(i, 50_000 + i);
  await eventually(async () => assert.equal(await dial(1499), "a0"));
  for (let i = 0; i < count; i++) put(i, 10_800);
  await eventually(async () => assert.ok((await chains()) < 200, `${await chains()} chains, ${most} before`));
  for (const i of [0, 700, 1499]) assert.equal(await dial(i), "a0", `Service ${i}`);
  assert.deepEqual(warnings, []);
});
