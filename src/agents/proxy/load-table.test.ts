import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { simpleRouting } from "../../../test/support/simple-routing.ts";
import { createServicePlan, type ServicePlan, type ServiceRouting } from "../../core/network/mod.ts";
import { createFakeNft, diffTable, type FakeNft, isEmptyChange, seesPackets } from "../../core/nft/mod.ts";
import { loadTable, stepElements } from "./load-table.ts";

const count = 12_000;
let plan: ServicePlan;
let kernel: FakeNft;
let stop: AbortController;
/** Elements that each transaction added. */
let steps: number[];

beforeEach(() => {
  const facts = {
    family: "ip" as const,
    nodeName: "n0",
    zone: "",
    nodeAddresses: ["172.30.0.11"],
    podRanges: ["10.244.0.0/24"],
    serviceRanges: ["10.96.0.0/16"],
    localAddresses: [],
  };
  plan = createServicePlan(facts, "t");
  kernel = createFakeNft();
  stop = new AbortController();
  steps = [];
});

function* services(from: number, to: number): Generator<[string, ServiceRouting]> {
  for (let i = from; i < to; i++) {
    const rest = `${i >> 8}.${i & 255}`;
    const key = `d/${i}`;
    yield [key, simpleRouting(key, `10.96.${rest}`, { endpoints: [`10.244.${rest}`] })];
  }
}

const apply = async (script: Iterable<string>): Promise<void> => {
  const text = [...script].join("");
  kernel.run(text);
  steps.push(text.match(/[{,] 0x[0-9a-f]+ \. |[{,] 10\./g)?.length ?? 0);
  await new Promise((r) => setImmediate(r));
};
const table = () => kernel.list("ip t")!;

test("the kernel has what the plan says, by steps of bounded size, and the plan goes on from there", async () => {
  await loadTable(plan, services(0, count), { apply, signal: stop.signal });
  assert.equal(steps.length, 3);
  for (const elements of steps) assert.ok(elements < stepElements + 500, `${elements} elements`);
  assert.ok(seesPackets(table()));
  assert.ok(isEmptyChange(diffTable(table(), plan.table(), [])!));
  assert.ok(isEmptyChange(plan.take()));
});

test("what is small is one transaction", async () => {
  await loadTable(plan, services(0, 100), { apply, signal: stop.signal });
  assert.equal(steps.length, 1);
  assert.ok(isEmptyChange(diffTable(table(), plan.table(), [])!));
  assert.ok(isEmptyChange(plan.take()));
});

test("others have their turn while it plans, and while nft is at work", async () => {
  let turns = 0;
  let open!: () => void;
  const gate = new Promise<void>((r) => {
    open = r;
  });
  let over = false;
  const turn = (): void => {
    if (++turns === 100) open();
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await loadTable(plan, services(0, count), {
    async apply(script) {
      await gate;
      await apply(script);
    },
    signal: stop.signal,
  });
  over = true;
  assert.ok(turns >= 100);
});

test("a refused step ends it, and no packet meets the table", async () => {
  const load = loadTable(plan, services(0, count), {
    async apply(script) {
      if (steps.length === 1) throw new Error("refused");
      await apply(script);
    },
    signal: stop.signal,
  });
  await assert.rejects(load, /refused/);
  assert.equal(seesPackets(table()), false);
});

test("a Service that cannot be planned ends it once the step under way has ended", async () => {
  let running = 0;
  function* broken(): Generator<[string, ServiceRouting]> {
    yield* services(0, 8000);
    throw new RangeError("more than so many");
  }
  const load = loadTable(plan, broken(), {
    async apply(script) {
      running++;
      await new Promise((r) => setTimeout(r, 20));
      await apply(script);
      running--;
    },
    signal: stop.signal,
  });
  await assert.rejects(load, RangeError);
  assert.equal(running, 0);
  assert.equal(steps.length, 1);
});

test("an abort ends it before packets meet the table", async () => {
  await loadTable(plan, services(0, count), {
    async apply(script) {
      await apply(script);
      stop.abort();
    },
    signal: stop.signal,
  });
  assert.equal(steps.length, 1);
  assert.equal(seesPackets(table()), false);
});
