import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, type RunOptions, run } from "./mod.ts";

test("the output comes back", async () => {
  assert.equal(await run("cat", [], { input: "a\n" }), "a\n");
});

test("long input in pieces arrives whole and in order", async () => {
  const pieces = Array.from({ length: 50_000 }, (_, i) => `${i}\n`);
  assert.equal(await run("cat", [], { input: pieces }), pieces.join(""));
});

test("lines are handed over one by one; a last one without an end is not", async () => {
  const lines: string[] = [];
  assert.equal(await run("printf", ["a\\nb\\nc"], { onLine: (l) => lines.push(l) }), "");
  assert.deepEqual(lines, ["a", "b"]);
});

test("a program starts where it is told to", async () => {
  assert.equal(await run("pwd", [], { directory: "/" }), "/\n");
});

const failures: [name: string, command: string, args: string[], options: RunOptions, message: string][] = [
  ["an exit code", "sh", ["-c", "echo no >&2; exit 3"], {}, "sh -c echo no >&2; exit 3: exit code 3: no"],
  ["a time limit", "sleep", ["5"], { timeoutMs: 50 }, "sleep 5: no answer within 50 ms"],
  [
    "a time limit, whatever holds the output",
    "sh",
    ["-c", "sleep 2 & wait"],
    { timeoutMs: 50 },
    "sh -c sleep 2 & wait: no answer within 50 ms",
  ],
  ["too much output", "yes", [], { maxOutput: 1000 }, "yes: more than 1000 characters of output"],
  ["no such program", "/nonexistent", [], {}, "/nonexistent: spawn /nonexistent ENOENT"],
  ["a signal", "sh", ["-c", "kill $$"], {}, "sh -c kill $$: ended by SIGTERM"],
  ["input that nobody reads", "false", [], { input: "x".repeat(1 << 20) }, "false: exit code 1"],
];
for (const [name, command, args, options, message] of failures)
  test(`refused with the reason: ${name}`, async () => {
    await assert.rejects(run(command, args, options), (e: unknown) => {
      assert.ok(e instanceof CommandError);
      assert.equal(e.message, message);
      return true;
    });
  });
