// The proxy at size: a restart changes nothing in the kernel, what somebody else changed is put right soon, and its own
// changes never list the table.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import * as refs from "../../src/core/api/refs.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { inPlace } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { type LabProxyOptions, openProxyRig } from "./proxy-rig.ts";

const ip = "10.96.0.50";

const rig = openProxyRig([["a0", "b0"], ["a1"]], 30_000);
const start = (options: LabProxyOptions = {}) => rig.start({ guarded: true, ...options });

const nft = (command: string): Promise<string> => rig.onNode("nft", command);

/** Counts every transaction in the node's namespace, whoever ran it. */
async function generation(): Promise<string | undefined> {
  const tables = createNftTables({ prefix: inPlace(rig.lab.node[0]!) });
  try {
    return await tables.foreignMark();
  } finally {
    tables.close();
  }
}

function fill(services: number, endpoints: number): void {
  const { api } = rig;
  const quad = (base: number, n: number): string => `10.${base + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  for (let i = 0; i < services; i++) {
    const name = `s${i}`;
    api.put(refs.services, service(name, quad(97, i)));
    const own = slice(name, []);
    own.endpoints = Array.from({ length: endpoints }, (_, j) => ({
      addresses: [quad(200, i * endpoints + j)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "n9",
    }));
    api.put(refs.endpointSlices, own);
  }
  api.put(refs.services, service("web", ip));
  api.put(refs.endpointSlices, slice("web", [rig.lab.pod.a0!]));
}

/** Milliseconds until it is so. */
async function until(what: string, check: () => Promise<boolean>, limitMs = 30_000): Promise<number> {
  const begin = performance.now();
  while (performance.now() - begin < limitMs) {
    if (await check()) return Math.round(performance.now() - begin);
    await new Promise((r) => setTimeout(r, 50));
  }
  assert.fail(`${what}: not within ${limitMs} ms\n${rig.proxy.warnings.join("\n")}`);
}

for (const [services, endpoints] of [
  [10_000, 2],
  [44_000, 1],
] as const)
  test(`${services} Services x ${endpoints}: a restart changes nothing`, { timeout: 60_000 }, async (t) => {
    fill(services, endpoints);
    const first = (await start()).startedIn;
    await until("the guard is there", async () => (await nft("list tables")).includes("portolan-loopback"));
    await rig.end();
    const before = await generation();
    assert.ok(before !== undefined, "the generation can be read");
    const { scripts, startedIn: second } = await start();
    t.diagnostic(`the first start took ${first} ms, the second ${second} ms`);
    // Long enough for what looks at the tables now and then.
    await new Promise((r) => setTimeout(r, 2500));
    assert.deepEqual(scripts, []);
    assert.equal(await generation(), before);
    assert.equal((await rig.lab.pod.b0!.dial(ip, 80)).name, "a0");
  });

describe("a first load of 20,000 Services x 2", { timeout: 120_000 }, () => {
  beforeEach(() => fill(20_000, 2));

  const dial = () => rig.lab.pod.b0!.dial(ip, 80, { timeoutMs: 100 });
  const isLoad = (script: string): boolean => script.includes("portolan-lab");

  test("shows packets nothing before it is whole", async () => {
    // What a packet meets where there is no table.
    const untouched = await dial();
    assert.equal(untouched.name, undefined);
    const met: unknown[] = [];
    await start({
      async before(script) {
        if (isLoad(script)) met.push(await dial());
      },
    });
    assert.ok(met.length > 3, `${met.length} transactions`);
    assert.deepEqual(met, Array(met.length).fill(untouched));
    assert.equal((await dial()).name, "a0");
  });

  test("that is cut off is done again by the next proxy", async () => {
    const stop = new AbortController();
    let transactions = 0;
    await new Promise<void>((cutOff) => {
      void start({
        stop,
        async before(script) {
          if (!isLoad(script) || ++transactions <= 3) return;
          cutOff();
          await new Promise(() => {});
        },
      });
    });
    stop.abort();
    assert.match(await nft("list table ip portolan-lab"), /elements = /);
    assert.equal((await dial()).name, undefined);
    await start();
    assert.equal((await dial()).name, "a0");
  });

  test("whose transaction fails is done again", async () => {
    let transactions = 0;
    const { warnings } = await start({
      async before(script) {
        if (isLoad(script) && ++transactions === 3) throw new Error("refused");
      },
    });
    assert.deepEqual(warnings.map((w) => /a transaction failed/.test(w)).filter(Boolean), [true]);
    assert.equal((await dial()).name, "a0");
  });
});

describe("10,000 Services x 2", () => {
  beforeEach(() => fill(10_000, 2));

  test("its own changes never list the table", async () => {
    const { scripts, listings } = await start();
    assert.equal(listings.tables, 1);
    for (let i = 0; i < 10; i++) {
      rig.api.put(
        refs.endpointSlices,
        slice("web", i % 2 ? [rig.lab.pod.a0!] : [rig.lab.pod.a0!, rig.lab.pod.b0!]),
      );
      await new Promise((r) => setTimeout(r, 250));
    }
    assert.ok(scripts.length >= 10, `${scripts.length} transactions`);
    assert.equal(listings.tables, 1);
  });

  const group = async (): Promise<string> =>
    /10\.96\.0\.50 \. tcp \. 80 : (0x[0-9a-f]+)/.exec(await nft("list table ip portolan-lab"))![1]!;
  const element = "ip portolan-lab frontends { 10.96.0.50 . tcp . 80";
  const tampering: [string, () => Promise<string>][] = [
    ["one element deleted", async () => `delete element ${element} }`],
    [
      "one element changed",
      async () => `delete element ${element} : ${await group()} }; add element ${element} : 0x00000000 }`,
    ],
    ["a rule added", async () => "insert rule ip portolan-lab services drop"],
    ["the table switched off", async () => "add table ip portolan-lab { flags dormant; }"],
    ["everything flushed", async () => "flush ruleset"],
  ];
  test("what somebody else changed is put right", { timeout: 200_000 }, async (t) => {
    await start();
    const dial = async (): Promise<string | undefined> =>
      (await rig.lab.pod.b0!.dial(ip, 80, { timeoutMs: 100 })).name;
    await until("the Service answers", async () => (await dial()) !== undefined);
    for (const [what, command] of tampering) {
      await nft(await command());
      assert.equal(await dial(), undefined, what);
      const took = await until(what, async () => (await dial()) !== undefined);
      t.diagnostic(`${what}: right again after ${took} ms`);
    }
    const guarded = async (): Promise<boolean> =>
      (await nft("list ruleset")).includes('iifname != "lo" ip daddr 127.0.0.0/8 drop');
    await until("the guard of the loopback is back", guarded);
    await nft("flush table ip portolan-loopback");
    t.diagnostic(`the loopback's guard: right again after ${await until("the guard", guarded)} ms`);
  });
});
