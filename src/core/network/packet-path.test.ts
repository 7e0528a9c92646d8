// docs/packet-path.md shows rules; each has to be one of the tables' own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chainsFor, serviceLayout } from "./layout.ts";

test("every rule in docs/packet-path.md is in the table", () => {
  const chains = [
    ...serviceLayout("ip", "t").chains,
    ...chainsFor("ip", { endpoints: 2, affinity: undefined }),
  ];
  let shown = 0;
  for (const [block] of readFileSync("docs/packet-path.md", "utf8").matchAll(
    /chain \S+ \{(?:[^\n]*\}\n|.*?\n\s*\})/gs,
  )) {
    const [head = "", ...lines] = block
      .trimEnd()
      .split("\n")
      .map((l) => l.trim());
    const chain = chains.find((c) => c.name === /^chain (\S+)/.exec(head)?.[1]);
    assert.ok(chain, head);
    const own = /accept; +(.*?) +\}$/.exec(head)?.[1];
    const rules = own ? [own] : lines.slice(0, -1);
    assert.deepEqual(rules, chain.rules, head);
    shown += rules.length;
  }
  assert.ok(shown >= 10, `only ${shown} rules`);
});
