// A UDP server whose network takes less than it has to say: what waits for room in the kernel is bounded, and no answer that
// waits is written over by the next.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { run } from "../../src/edge/command/mod.ts";
import { ipBatch } from "../../src/edge/netns/mod.ts";
import { createDnsSockets } from "../../src/edge/udp/mod.ts";

const netns = `plq-${process.pid}`;
const address = "192.0.2.1";
const port = 5301;

before(async () => {
  await ipBatch([
    `netns add ${netns}`,
    `link add plq0 type veth peer name eth0 netns ${netns}`,
    `address add ${address}/24 dev plq0`,
    "link set plq0 up",
  ]);
  await ipBatch(["address add 192.0.2.2/24 dev eth0", "link set eth0 up"], netns);
  await run("tc", "qdisc add dev plq0 root tbf rate 2mbit burst 4kb limit 4mb".split(" "));
});
after(async () => {
  await run("ip", ["link", "delete", "plq0"]).catch(() => "");
  await run("ip", ["netns", "delete", netns]).catch(() => "");
});

/** Sends so many numbered questions at once from the other side, and gives the answers that came in that time, sorted. */
async function ask(count: number, waitMs: number): Promise<string[]> {
  const client = `
    const socket = require("node:dgram").createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
    const answers = [];
    socket.on("message", (m) => answers.push(m.toString()));
    socket.bind(0, () => {
      for (let i = 0; i < ${count}; i++) socket.send("question " + i, ${port}, "${address}");
    });
    setTimeout(() => { console.log(JSON.stringify(answers)); process.exit(0); }, ${waitMs});`;
  const out = await run("nsenter", [`--net=/run/netns/${netns}`, process.execPath, "-e", client]);
  return (JSON.parse(out) as string[]).sort();
}

test("answers that wait for room stay as they are, and those above the bound are dropped", async (t) => {
  const pad = ".".repeat(400);
  let handled = 0;
  const listener = await createDnsSockets().listenUdp({ address, port }, (message, out) => {
    handled++;
    return out.write(`${message} ${pad}`);
  });
  try {
    const answers = await ask(3000, 3000);
    t.diagnostic(`${handled} of 3000 questions taken, ${answers.length} answered`);
    const right = answers.filter((a) => /^question \d+ \.{400}$/.test(a));
    assert.equal(right.length, answers.length);
    assert.equal(new Set(answers).size, answers.length);
    assert.equal(handled, answers.length);
    assert.ok(handled > 128 && handled < 3000, `${handled} taken`);
    // What is over is over.
    assert.deepEqual(await ask(1, 300), [`question 0 ${pad}`]);
  } finally {
    await listener.close();
  }
});
