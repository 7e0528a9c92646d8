import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createHeldNetlink, type HeldNetlink } from "./_held-netlink.ts";

let netlink: HeldNetlink | undefined;
afterEach(() => netlink?.close());

/** Answers by a shell in perl's place, which gets a line and says one. */
function open(script: string, timeoutMs?: number): HeldNetlink {
  netlink = createHeldNetlink(["sh", "-c", script], timeoutMs);
  return netlink;
}
const ask = async (text: string): Promise<string> => (await netlink!.ask(Buffer.from(text))).toString();

test("each message gets its answer, in order, by one process", async () => {
  open(
    'echo started >&2; while read -r line; do echo "$line$(printf %s "|$$" | od -An -tx1 | tr -d " \\n")"; done',
  );
  const answers = await Promise.all(["a", "b", "c"].map(ask));
  const pids = answers.map((a) => a.split("|")[1]);
  assert.deepEqual(
    answers.map((a) => a.split("|")[0]),
    ["a", "b", "c"],
  );
  assert.equal(new Set(pids).size, 1);
});

test("a process that ends is replaced, and its words are told", async () => {
  open("read -r line; echo $line; read -r line; echo it is over >&2; exit 3");
  assert.equal(await ask("a"), "a");
  await assert.rejects(ask("b"), /perl \(netlink\): ended \(3\)/);
  assert.equal(await ask("c"), "c");
});

test("one that does not answer is ended at the time limit", async () => {
  open("read -r line; exec sleep 5", 50);
  await assert.rejects(ask("a"), /ended \(SIGKILL\)/);
});

test("closing ends who waits", async () => {
  open("read -r line; exec sleep 1");
  const waiting = assert.rejects(ask("a"), /closed/);
  await new Promise((r) => setTimeout(r, 50));
  netlink!.close();
  await waiting;
});
