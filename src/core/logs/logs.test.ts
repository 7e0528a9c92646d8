import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  createLogRenderer,
  findTail,
  fixedNanos,
  type LogView,
  parseLogLine,
  parseLogOptions,
} from "./mod.ts";

test("entries are parsed; what is none is refused", () => {
  const parse = (s: string) => {
    const l = parseLogLine(Buffer.from(s));
    return l && `${l.timestamp}|${l.stream}|${l.partial}|${l.text}`;
  };
  assert.equal(parse("2026-01-02T03:04:05.6Z stdout F a b"), "2026-01-02T03:04:05.6Z|stdout|false|a b");
  assert.equal(parse("2026-01-02T03:04:05.6Z stderr P "), "2026-01-02T03:04:05.6Z|stderr|true|");
  assert.equal(parse("2026-01-02T03:04:05.6Z stdout F:x y"), "2026-01-02T03:04:05.6Z|stdout|false|y");
  for (const bad of ["", "x", "t stdout", "t stdlog F a", "t stdout X a"])
    assert.equal(parse(bad), undefined, bad);
});

test("timestamps have nine digits", () => {
  assert.equal(fixedNanos("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05.000000000Z");
  assert.equal(fixedNanos("2026-01-02T03:04:05.12+02:00"), "2026-01-02T03:04:05.120000000+02:00");
});

const log = [
  "2026-01-02T03:04:01.000000001Z stdout F one",
  "2026-01-02T03:04:02Z stderr F two",
  "2026-01-02T03:04:03Z stdout P thr",
  "2026-01-02T03:04:03.5Z stdout F ee",
  "2026-01-02T03:04:04Z stdout F ",
];
const all: LogView = { timestamps: false, since: undefined, limitBytes: undefined, stream: "All" };
const views: { name: string; view: Partial<LogView>; shows: string }[] = [
  { name: "everything, split lines joined", view: {}, shows: "one\ntwo\nthree\n\n" },
  { name: "one stream", view: { stream: "Stderr" }, shows: "two\n" },
  { name: "since is inclusive", view: { since: Date.parse("2026-01-02T03:04:03.5Z") }, shows: "ee\n\n" },
  { name: "bytes count from the start", view: { limitBytes: 6 }, shows: "one\ntw" },
  {
    name: "timestamps once a line and within the limit",
    view: { timestamps: true, stream: "Stdout", limitBytes: 100 },
    shows:
      "2026-01-02T03:04:01.000000001Z one\n2026-01-02T03:04:03.000000000Z three\n2026-01-02T03:04:04.000000000Z \n".slice(
        0,
        100,
      ),
  },
];
for (const { name, view, shows } of views)
  test(`view: ${name}`, () => {
    const renderer = createLogRenderer({ ...all, ...view });
    assert.equal(Buffer.concat(log.flatMap((l) => renderer.render(Buffer.from(l)))).toString(), shows);
  });

test("the tail is where a reader of the whole file would put it", async () => {
  const entry = fc.record({ partial: fc.boolean(), size: fc.oneof(fc.nat(20), fc.nat(70_000)) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 30 }),
      fc.nat(12),
      fc.boolean(),
      async (entries, n, cut) => {
        const texts = entries.map(
          ({ partial, size }) => `2026-01-02T03:04:05Z stdout ${partial ? "P" : "F"} ${"x".repeat(size)}`,
        );
        const text = texts.join("\n") + (cut || texts.length === 0 ? "" : "\n");
        const file = Buffer.from(text);
        // Dumb: a line starts after each entry tagged F.
        const starts: number[] = [];
        let at = 0;
        for (let i = 0; i < texts.length; i++) {
          if (i === 0 || !entries[i - 1]!.partial) starts.push(at);
          at += texts[i]!.length + 1;
        }
        const open = entries.length > 0 && entries.at(-1)!.partial;
        // A line that has not ended yet comes on top of the ones asked for.
        const index = starts.length - n - (open ? 1 : 0);
        const expected = n === 0 ? file.length : starts.length === 0 ? 0 : starts[Math.max(0, index)]!;
        const got = await findTail(
          { read: async (p, length) => file.subarray(p, p + length) },
          file.length,
          n,
        );
        assert.equal(got, expected);
      },
    ),
    { numRuns: 300 },
  );
});

test("log options", () => {
  const parse = (q: string) => parseLogOptions(new URLSearchParams(q), 100_000);
  assert.deepEqual(
    parse("follow=true&previous=false&timestamps&tailLines=5&limitBytes=9&sinceSeconds=3&stream=All"),
    {
      kind: "ok",
      options: {
        follow: true,
        previous: false,
        timestamps: true,
        tailLines: 5,
        limitBytes: 9,
        since: 97_000,
        stream: "All",
      },
    },
  );
  const since = parse("sinceTime=2026-01-02T03:04:05Z");
  assert.equal(since.kind === "ok" && since.options.since, Date.parse("2026-01-02T03:04:05Z"));
  for (const q of ["tailLines=x", "limitBytes=1.5", "sinceTime=yesterday", "tailLines=99999999999999999999"])
    assert.equal(parse(q).kind, "error", q);
  for (const q of [
    "tailLines=-1",
    "limitBytes=0",
    "sinceSeconds=0",
    "stream=stdin",
    "stream=Stdout&tailLines=1",
  ])
    assert.equal(parse(q).kind, "invalid", q);
  assert.equal(parse("sinceSeconds=5&sinceTime=2026-01-02T03:04:05Z").kind, "invalid");
});
