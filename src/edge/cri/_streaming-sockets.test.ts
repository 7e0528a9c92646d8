// What the kernel tells of two sockets that are really there, and rows of its table.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { wouldLose, wouldLoseNow } from "./_streaming-sockets.ts";

const row = (local: string, remote: string, unsent: number, unread: number, state = "01"): string => {
  const hex = (n: number): string => n.toString(16).toUpperCase().padStart(8, "0");
  return `   0: ${local} ${remote} ${state} ${hex(unsent)}:${hex(unread)} 00:00000000 00000000     0        0 1`;
};
const server = "0100007F:1F90";
const client = "0100007F:C001";
const other = "0100007F:C002";

const tables: [name: string, rows: string[], loses: boolean][] = [
  ["nothing held", [row(server, client, 0, 0), row(client, server, 0, 0)], false],
  ["only unread input", [row(server, client, 0, 9), row(client, server, 5, 0)], false],
  ["only unsent output", [row(server, client, 9, 0), row(client, server, 0, 9)], false],
  ["unread input, unsent output", [row(server, client, 9, 9), row(client, server, 0, 0)], true],
  ["unread input, output not read", [row(server, client, 0, 9), row(client, server, 0, 1)], true],
  [
    "each of another connection",
    [
      row(server, client, 0, 9),
      row(client, server, 9, 0),
      row(server, other, 9, 0),
      row(other, server, 0, 9),
    ],
    false,
  ],
  ["another port", [row("0100007F:1F91", client, 9, 9)], false],
  ["closing already", [row(server, client, 9, 9, "06")], false],
  ["no table", [""], false],
];
for (const [name, rows, loses] of tables)
  test(`held by a stream: ${name}`, () => assert.equal(wouldLose(rows.join("\n"), 0x1f90), loses));

test("held by a stream: a real peer that would reset, until its output is read", async () => {
  const listening = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  const near = connect(port, "127.0.0.1");
  const [far] = (await once(listening, "connection")) as [Socket];
  const expect = async (loses: boolean): Promise<void> => {
    for (let i = 0; i < 100 && (await wouldLoseNow(port)) !== loses; i++) await pause(20);
    assert.equal(await wouldLoseNow(port), loses);
  };
  try {
    near.on("error", () => {});
    near.write("input that is never read");
    await expect(false);
    far.write(Buffer.alloc(8 * 2 ** 20));
    await expect(true);
    let got = 0;
    near.on("data", (chunk) => {
      got += chunk.length;
    });
    await expect(false);
    const ended = new Promise((resolve) => near.once("close", resolve));
    far.resetAndDestroy();
    await ended;
    assert.equal(got, 8 * 2 ** 20, "the reset takes nothing");
  } finally {
    near.destroy();
    far.destroy();
    listening.close();
  }
});
