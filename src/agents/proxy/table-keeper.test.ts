import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { simpleRouting } from "../../../test/support/simple-routing.ts";
import type { NodeFacts, Protocol, ServiceRouting } from "../../core/network/mod.ts";
import { createFakeNft, type FakeNft } from "../../core/nft/mod.ts";
import type { Clock, NftTables, UdpFlow } from "./ports.ts";
import { createTableKeeper, type TableKeeper } from "./table-keeper.ts";

const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/16"],
  localAddresses: [],
};

const routing = (
  key: string,
  address: string,
  endpoints: string[],
  protocol: Protocol = "tcp",
): ServiceRouting => simpleRouting(key, address, { endpoints, protocol });

let node: NodeFacts;
let wanted: Map<string, ServiceRouting>;
let kernel: FakeNft;
let scripts: string[];
let warnings: string[];
let refuse: number;
/** The number of the one transaction that is refused. */
let refuseAt: number;
/** Whether nobody can tell that others changed the ruleset; how often they did; how often the table was listed. */
let blind: boolean;
let foreign: number;
let listings: number;
/** Resolved before each transaction; replaced to hold one. */
let gate: Promise<void>;
/** Resolves when it is known what is wanted. */
let ready: Promise<void>;
let flows: UdpFlow[];
let removed: UdpFlow[];
let keeper: TableKeeper;
let stop: AbortController;
let running: Promise<void>;
/** What the keeper told of its progress. */
let moments: string[];

const nft: NftTables = {
  async apply(script) {
    const text = [...script].join("");
    scripts.push(text);
    await gate;
    if (refuse-- > 0 || scripts.length === refuseAt) throw new Error("nft: refused");
    kernel.run(text);
  },
  close() {},
  async foreignMark() {
    return blind ? undefined : `${foreign}`;
  },
  async list(family, table) {
    listings++;
    return kernel.list(`${family} ${table}`);
  },
  async listRules() {
    return kernel.tables.has("ip t") ? "rules" : undefined;
  },
};

const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: (_, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, 2);
      signal.addEventListener("abort", end);
    }),
};

beforeEach(() => {
  node = facts;
  wanted = new Map();
  kernel = createFakeNft();
  scripts = [];
  warnings = [];
  refuse = 0;
  refuseAt = 0;
  blind = false;
  foreign = 0;
  listings = 0;
  gate = Promise.resolve();
  ready = Promise.resolve();
  flows = [];
  removed = [];
  stop = new AbortController();
  moments = [];
});
afterEach(async () => {
  stop.abort();
  await running;
});

async function start(): Promise<void> {
  keeper = createTableKeeper({
    table: "t",
    facts: () => node,
    ready,
    keys: () => wanted.keys(),
    routing: (key) => wanted.get(key),
    taken: () => moments.push("taken"),
    settled: (keys) => moments.push(`settled ${[...keys]}`),
    nft,
    conntrack: {
      udpFlows: async () => flows,
      async remove(_, list) {
        removed.push(...list);
        flows = flows.filter((f) => !list.includes(f));
      },
    },
    clock,
    log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
  });
  running = keeper.run(stop.signal);
  await keeper.synced;
}

function put(r: ServiceRouting): void {
  wanted.set(r.key, r);
  keeper.touch(r.key);
}

function tamper(script: string): void {
  foreign++;
  kernel.run(script);
}

const frontends = (): string[] => [...(kernel.tables.get("ip t")?.elements.get("frontends")?.keys() ?? [])];

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (check()) return;
    await new Promise((r) => setTimeout(r, 2));
  }
  assert.fail("it did not come to pass");
}

test("an idle keeper applies a change at once; what comes while nft runs goes together", async () => {
  await start();
  assert.equal(scripts.length, 1);
  let open!: () => void;
  gate = new Promise((r) => {
    open = r;
  });
  put(routing("d/a", "10.96.0.1", ["10.244.1.1"]));
  await until(() => scripts.length === 2);
  for (let i = 2; i < 30; i++) put(routing(`d/${i}`, `10.96.0.${i}`, ["10.244.1.1"]));
  wanted.delete("d/7");
  keeper.touch("d/7");
  open();
  await until(() => frontends().length === 28);
  assert.equal(scripts.length, 3);
  assert.deepEqual(warnings, []);
});

test("it is idle only while the kernel has all, and settled is what was taken before", async () => {
  await start();
  await until(() => keeper.idle);
  moments = [];
  let open!: () => void;
  gate = new Promise((r) => {
    open = r;
  });
  put(routing("d/a", "10.96.0.1", ["10.244.1.1"]));
  assert.equal(keeper.idle, false);
  await until(() => scripts.length === 2);
  put(routing("d/b", "10.96.0.2", ["10.244.1.1"]));
  assert.deepEqual([keeper.idle, moments], [false, ["taken"]]);
  open();
  await until(() => keeper.idle);
  assert.deepEqual(moments, ["taken", "settled d/a", "taken", "settled d/b"]);
  refuse = 1;
  put(routing("d/c", "10.96.0.3", ["10.244.1.1"]));
  await until(() => keeper.idle);
  assert.equal(warnings.length, 1);
  assert.deepEqual(moments.slice(4, 6), ["taken", "taken"]);
});

test("a refused transaction loses nothing: the next one is made from what is wanted", async () => {
  await start();
  refuse = 1;
  put(routing("d/a", "10.96.0.1", ["10.244.1.1"]));
  await until(() => frontends().length === 1);
  assert.equal(warnings.length, 1);
  put(routing("d/b", "10.96.0.2", ["10.244.1.1"]));
  await until(() => frontends().length === 2);
  assert.match(scripts.at(-1)!, /^add element/);
});

test("nft that refuses for a while is asked again and again", async () => {
  refuse = 3;
  wanted.set("d/a", routing("d/a", "10.96.0.1", []));
  await start();
  assert.equal(warnings.length, 3);
  assert.deepEqual(frontends(), ["10.96.0.1 . tcp . 80"]);
});

describe("a big first load", () => {
  const steps = 4;
  /** Three elements a Service. */
  function many(): void {
    for (let i = 0; i < 20_000; i++) {
      const r = routing(`d/${i}`, `10.96.${i >> 8}.${i & 255}`, [`10.244.${i >> 8}.${i & 255}`]);
      wanted.set(r.key, r);
    }
  }
  const hooked = (): number => [...kernel.tables.get("ip t")!.chains.values()].filter((c) => c.hook).length;

  test("is several transactions, of which the last makes it live", async () => {
    many();
    await start();
    assert.equal(scripts.length, steps);
    for (const text of scripts.slice(0, -1)) assert.doesNotMatch(text, / hook /);
    assert.ok(hooked() > 0);
    assert.equal(frontends().length, 20_000);
  });
  for (let at = 1; at <= steps; at++)
    test(`whose transaction ${at} is refused is done again`, async () => {
      many();
      refuseAt = at;
      await start();
      assert.equal(scripts.length, at + steps);
      assert.equal(warnings.length, 1);
      assert.equal(frontends().length, 20_000);
    });
  test("that replaces a table which packets meet is one transaction", async () => {
    many();
    kernel.run(
      "table ip t {\n  chain in {\n    type nat hook prerouting priority -100; policy accept;\n  }\n}\n",
    );
    await start();
    assert.equal(scripts.length, 1);
    assert.equal(frontends().length, 20_000);
  });
});

for (const [how, isBlind] of [
  ["", false],
  [", where nobody tells of changes", true],
] as const) {
  test(`a table that somebody deleted comes back${how}`, async () => {
    blind = isBlind;
    wanted.set("d/a", routing("d/a", "10.96.0.1", []));
    await start();
    tamper("delete table ip t");
    await until(() => frontends().length === 1);
    assert.match(warnings.join(), /changed by somebody else/);
  });

  test(`an element that somebody deleted or added is put right, by the difference${how}`, async () => {
    blind = isBlind;
    wanted.set("d/a", routing("d/a", "10.96.0.1", ["10.244.1.1"]));
    await start();
    tamper("delete element ip t backends { 0x00000000 . 0x00000001 : 10.244.1.1 . 80 }");
    tamper("add element ip t cluster-ips { 10.96.0.99 }");
    const right = (): boolean => {
      const { elements } = kernel.tables.get("ip t")!;
      return elements.get("backends")!.size === 1 && elements.get("cluster-ips")!.size === 1;
    };
    await until(right);
    assert.match(warnings.join(), /1 elements too many, 1 missing/);
    assert.doesNotMatch(scripts.at(-1)!, /delete table/);
  });
}

test("the table is listed when others changed the ruleset, not for changes of its own", async () => {
  await start();
  for (let i = 2; i < 20; i++) {
    put(routing(`d/${i}`, `10.96.0.${i}`, ["10.244.1.1"]));
    await new Promise((r) => setTimeout(r, 3));
  }
  assert.equal(listings, 1);
  foreign++;
  await until(() => listings === 2);
  await new Promise((r) => setTimeout(r, 30));
  assert.equal(listings, 2);
});

test("a keeper started anew takes over what is there", async () => {
  wanted.set("d/a", routing("d/a", "10.96.0.1", ["10.244.1.1"]));
  await start();
  stop.abort();
  await running;
  stop = new AbortController();
  await start();
  assert.equal(scripts.length, 1);
});

test("a keeper that ends before anybody knows what is wanted leaves the table as it is", async () => {
  wanted.set("d/a", routing("d/a", "10.96.0.1", []));
  await start();
  stop.abort();
  await running;
  wanted.clear();
  stop = new AbortController();
  let known!: () => void;
  ready = new Promise((resolve) => {
    known = resolve;
  });
  void start();
  await until(() => listings === 2);
  stop.abort();
  known();
  await running;
  assert.equal(scripts.length, 1);
  assert.deepEqual(frontends(), ["10.96.0.1 . tcp . 80"]);
});

test("touching what did not change runs nothing", async () => {
  wanted.set("d/a", routing("d/a", "10.96.0.1", ["10.244.1.1"]));
  await start();
  keeper.touch("d/a");
  keeper.touch("d/unknown");
  await new Promise((r) => setTimeout(r, 20));
  assert.equal(scripts.length, 1);
});

test("UDP flows that contradict the plan are removed, also when the Service is gone", async () => {
  const flow = (replySource: string, destination = "10.96.0.1"): UdpFlow => ({
    source: "10.244.0.9",
    sourcePort: 1,
    destination,
    destinationPort: 80,
    replySource,
    replySourcePort: 80,
    mark: destination.startsWith("10.") ? 0x00100001 : 0,
  });
  wanted.set("d/a", routing("d/a", "10.96.0.1", ["10.244.1.1", "10.244.1.2"], "udp"));
  await start();
  flows = [flow("10.244.1.1"), flow("10.244.1.2"), flow("192.0.2.1", "192.0.2.1")];
  put(routing("d/a", "10.96.0.1", ["10.244.1.2"], "udp"));
  await until(() => removed.length === 1);
  assert.equal(removed[0]!.replySource, "10.244.1.1");
  wanted.delete("d/a");
  keeper.touch("d/a");
  await until(() => removed.length === 2);
  assert.equal(flows.length, 1);
});

test("reload plans anew, also while a load runs", async () => {
  await start();
  let open!: () => void;
  gate = new Promise((r) => {
    open = r;
  });
  node = { ...facts, nodeAddresses: ["172.30.0.12"] };
  keeper.reload();
  await until(() => scripts.length === 2);
  node = { ...facts, nodeAddresses: ["172.30.0.13"] };
  keeper.reload();
  open();
  await until(() => kernel.tables.get("ip t")!.elements.get("node-addresses")!.has("172.30.0.13"));
  assert.equal(kernel.tables.get("ip t")!.elements.get("node-addresses")!.size, 1);
});
