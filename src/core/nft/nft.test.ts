import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  comparableRule,
  countElements,
  createFakeNft,
  diffTable,
  isEmptyChange,
  type NftTable,
  parseListing,
  parseRule,
  printChange,
  printFrame,
  printHooks,
  printTable,
  seesPackets,
} from "./mod.ts";

const table: NftTable = {
  layout: {
    family: "ip",
    table: "t",
    sets: [
      { name: "m", type: "type ipv4_addr . inet_service : mark" },
      { name: "s", type: "type ipv4_addr", flags: ["interval"] },
      { name: "empty", type: "type ipv4_addr", size: 10 },
    ],
    chains: [
      { name: "lb", rules: ["(meta mark & 0x00000001) vmap @m"] },
      { name: "in", hook: { type: "nat", hook: "prerouting", priority: -100 }, rules: ["goto lb"] },
    ],
  },
  elements: new Map([
    ["m", new Map([["10.0.0.1 . 80", "0x00000001"]])],
    ["s", new Map([["10.1.0.0/16", ""]])],
  ]),
};

test("a table prints as one transaction", () => {
  assert.equal(
    [...printTable(table)].join(""),
    `add table ip t
delete table ip t
table ip t {
  map m {
    type ipv4_addr . inet_service : mark
  }
  set s {
    type ipv4_addr
    flags interval
  }
  set empty {
    type ipv4_addr
    size 10
  }
  chain lb {
    (meta mark & 0x00000001) vmap @m
  }
  chain in {
    type nat hook prerouting priority -100; policy accept;
    goto lb
  }
}
add element ip t m { 10.0.0.1 . 80 : 0x00000001 }
add element ip t s { 10.1.0.0/16 }
`,
  );
});

test("a change prints a command a line, deletes before adds", () => {
  const change = {
    family: "ip" as const,
    table: "t",
    chains: [{ name: "lb-2", rules: ["drop"] }],
    oldChains: ["lb-3", "lb-1"],
    deletes: new Map([["m", new Map([["10.0.0.1 . 80", "0x00000001"]])]]),
    adds: new Map([
      [
        "m",
        new Map([
          ["10.0.0.1 . 80", "0x00000002"],
          ["10.0.0.2 . 80", "0x00000003"],
        ]),
      ],
    ]),
  };
  assert.equal(
    [...printChange(change)].join(""),
    `add chain ip t lb-2
add rule ip t lb-2 drop
delete element ip t m { 10.0.0.1 . 80 : 0x00000001 }
add element ip t m { 10.0.0.1 . 80 : 0x00000002, 10.0.0.2 . 80 : 0x00000003 }
delete chain ip t lb-3
delete chain ip t lb-1
`,
  );
});

test("long lists are split over commands", () => {
  const elements = new Map(Array.from({ length: 4001 }, (_, i) => [`k${i}`, ""]));
  const text = [...printTable({ ...table, elements: new Map([["s", elements]]) })].join("");
  assert.equal(text.match(/^add element/gm)?.length, 3);
});

describe("a table printed as its frame, its elements and its hooks", () => {
  const nft = createFakeNft();
  const { layout, elements } = table;
  test("is met by no packet before the hooks, and replaces what was there", () => {
    nft.run([...printTable({ layout, elements: new Map([["s", new Map([["10.9.0.0/16", ""]])]]) })].join(""));
    nft.run([...printFrame(layout)].join(""));
    assert.equal(countElements(nft.list("ip t")!.elements), 0);
    assert.equal(seesPackets(nft.list("ip t")!), false);
  });
  test("is the table in the end", () => {
    const change = {
      family: "ip" as const,
      table: "t",
      chains: [],
      oldChains: [],
      deletes: new Map(),
      adds: elements,
    };
    nft.run([...printChange(change), ...printHooks(layout)].join(""));
    assert.equal(seesPackets(nft.list("ip t")!), true);
    assert.ok(isEmptyChange(diffTable(nft.list("ip t")!, table, [])!));
  });
});

// As nft 1.0.6 prints it.
const listing = `table ip other {
	chain in {
	}
}
table ip t {
	map m {
		type ipv4_addr . inet_service : mark
		elements = { 10.0.0.1 . 80 : 0x00000001,
			     10.0.0.2 . 80 : 0x00000002 }
	}

	set s {
		type ipv4_addr
		flags interval
		elements = { 10.1.0.0/16 }
	}

	set empty {
		type ipv4_addr
		size 10
	}

	chain lb {
		meta mark & 0x00000001 vmap @m
	}

	chain in {
		type nat hook prerouting priority dstnat; policy accept;
		goto lb
	}
}
`;

describe("parseListing", () => {
  test("finds the table, its chains and elements", () => {
    const l = parseListing(listing, "ip", "t")!;
    assert.deepEqual(
      [...l.elements.get("m")!],
      [
        ["10.0.0.1 . 80", "0x00000001"],
        ["10.0.0.2 . 80", "0x00000002"],
      ],
    );
    assert.deepEqual([...l.elements.get("s")!], [["10.1.0.0/16", ""]]);
    assert.equal(l.elements.get("empty")!.size, 0);
    assert.deepEqual(l.chains.get("lb"), ["meta mark & 0x00000001 vmap @m"]);
    assert.deepEqual(l.chains.get("in"), [
      "type nat hook prerouting priority dstnat; policy accept;",
      "goto lb",
    ]);
  });
  test("IPv6 keys keep their colons", () => {
    const text = "table ip6 t {\n\tmap m {\n\t\telements = { fd00::1 . 80 : 0x00000001 }\n\t}\n}\n";
    assert.deepEqual(
      [...parseListing(text, "ip6", "t")!.elements.get("m")!],
      [["fd00::1 . 80", "0x00000001"]],
    );
  });
  test("a table that is not there, or of another family, is undefined", () => {
    assert.equal(parseListing(listing, "ip", "tt"), undefined);
    assert.equal(parseListing(listing, "ip6", "t"), undefined);
    assert.equal(parseListing("", "ip", "t"), undefined);
  });
});

describe("comparableRule", () => {
  const rows: [string, string, string][] = [
    ["parentheses", "(meta mark & 0x1) vmap @m", "meta mark & 0x1 vmap @m"],
    [
      "durations",
      "update @a { ip saddr timeout 10800s : meta mark }",
      "update @a { ip saddr timeout 3h : meta mark }",
    ],
    ["mixed durations", "add @a { ip saddr timeout 90061s }", "add @a { ip saddr timeout 1d1h1m1s }"],
    ["an implied protocol", "meta l4proto tcp reject with tcp reset", "reject with tcp reset"],
    ["the highest bit", "meta mark & 0x80000000 != 0x00000000 drop", "meta mark != 0x00000000/1 drop"],
  ];
  for (const [name, loaded, listed] of rows)
    test(name, () => assert.equal(comparableRule(loaded), comparableRule(listed)));
  test("a different rule stays different", () =>
    assert.notEqual(comparableRule("goto a"), comparableRule("goto b")));
});

describe("diffTable", () => {
  const listed = () => parseListing(listing, "ip", "t")!;
  test("says what is too much and what is missing", () => {
    const change = diffTable(listed(), table, [])!;
    assert.deepEqual(change.deletes, new Map([["m", new Map([["10.0.0.2 . 80", "0x00000002"]])]]));
    assert.deepEqual([change.adds, change.chains], [new Map(), []]);
  });
  test("ignores sets that packets fill", () =>
    assert.deepEqual(diffTable(listed(), table, ["m"])!.deletes, new Map()));
  const layout = (chains: NftTable["layout"]["chains"]): NftTable => ({
    ...table,
    layout: { ...table.layout, chains },
  });
  test("a missing plain chain can be added", () => {
    const more = { name: "lb-2", rules: ["drop"] };
    assert.deepEqual(diffTable(listed(), layout([...table.layout.chains, more]), [])!.chains, [more]);
  });
  const whole: [string, NftTable][] = [
    ["another rule", layout([{ name: "lb", rules: ["drop"] }])],
    ["a missing base chain", layout([{ ...table.layout.chains[1]!, name: "out" }])],
    [
      "another priority",
      layout([{ ...table.layout.chains[1]!, hook: { type: "nat", hook: "prerouting", priority: -90 } }]),
    ],
    ["a missing set", { ...table, layout: { ...table.layout, sets: [{ name: "x", type: "type mark" }] } }],
  ];
  for (const [name, wanted] of whole)
    test(`${name} asks for a whole load`, () => assert.equal(diffTable(listed(), wanted, []), undefined));
});

describe("the fake refuses what nft refuses, and then changes nothing", () => {
  const rows: [string, string, RegExp][] = [
    ["deleting what is not there", "delete element ip t s { 10.9.0.0/16 }", /No such file/],
    ["deleting with other data", "delete element ip t m { 10.0.0.1 . 80 : 0x00000009 }", /No such file/],
    ["other data for a key", "add element ip t m { 10.0.0.1 . 80 : 0x00000009 }", /File exists/],
    ["an unknown set", "add element ip t nope { 1.1.1.1 }", /No such file/],
    ["a rule that jumps nowhere", "add rule ip t lb goto nowhere", /No such file/],
    ["a chain that a rule leads to", "delete chain ip t lb", /resource busy/],
    ["a chain that is not there", "delete chain ip t nope", /No such file/],
    ["nonsense", "frobnicate", /syntax error/],
  ];
  for (const [name, command, words] of rows)
    test(name, () => {
      const nft = createFakeNft();
      nft.run([...printTable(table)].join(""));
      const before = nft.tables;
      assert.throws(() => nft.run(`add element ip t s { 10.7.0.0/16 }\n${command}\n`), words);
      assert.equal(nft.tables, before);
      assert.ok(!nft.tables.get("ip t")!.elements.get("s")!.has("10.7.0.0/16"));
    });
});

test("a rule outside the known language is refused loudly", () => {
  assert.throws(() => parseRule("tcp option maxseg size set 1400"), SyntaxError);
});
