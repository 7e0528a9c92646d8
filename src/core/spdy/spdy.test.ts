import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, createDeflate } from "node:zlib";
import fc from "fast-check";
import { createHeaderReader, createHeaderWriter } from "./header-block.ts";
import { headerDictionary, headerDictionaryId } from "./header-dictionary.ts";
import { createFrameReader, createFrameWriter, type Frame } from "./mod.ts";

test("the dictionary is the one of the specification", () => {
  let a = 1;
  let b = 0;
  for (const byte of headerDictionary) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  assert.equal(((b << 16) | a) >>> 0, headerDictionaryId);
  assert.equal(headerDictionary.length, 1423);
});

const id = fc.integer({ min: 1, max: 0x7fffffff });
const text = fc.string({ maxLength: 40 });
const headers = fc
  .array(
    fc.tuple(
      text.map((t) => t.toLowerCase()),
      text,
    ),
    { maxLength: 6 },
  )
  .map((entries) => new Map(entries));
const frame: fc.Arbitrary<Exclude<Frame, { kind: "other" }>> = fc.oneof(
  fc.record({ kind: fc.constant("syn-stream" as const), id, fin: fc.boolean(), headers }),
  fc.record({ kind: fc.constant("syn-reply" as const), id, fin: fc.boolean(), headers }),
  fc.record({ kind: fc.constant("headers" as const), id, fin: fc.boolean(), headers }),
  fc.record({ kind: fc.constant("rst-stream" as const), id, status: fc.nat(11) }),
  fc.record({ kind: fc.constant("ping" as const), id }),
  fc.record({ kind: fc.constant("go-away" as const), lastId: id, status: fc.nat(2) }),
  fc.record({
    kind: fc.constant("data" as const),
    id,
    fin: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 300 }).map((u) => Buffer.from(u)),
  }),
);

/** Pieces of one data frame put together again. */
function joined(frames: Frame[]): Frame[] {
  const out: Frame[] = [];
  let open: Extract<Frame, { kind: "data" }> | undefined;
  for (const f of frames) {
    const last = out.at(-1);
    if (f.kind === "data" && open && last === open && open.id === f.id && !open.fin) {
      open.bytes = Buffer.concat([open.bytes, f.bytes]);
      open.fin = f.fin;
    } else {
      const copy = { ...f };
      out.push(copy);
      open = copy.kind === "data" ? copy : undefined;
    }
  }
  return out;
}

test("every frame is read as it was written, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 12 }),
      fc.array(fc.nat(40), { maxLength: 50 }),
      (frames, cuts) => {
        const write = createFrameWriter();
        const bytes = Buffer.concat(frames.map((f) => write(f)));
        const read = createFrameReader();
        const got: Frame[] = [];
        let at = 0;
        for (const cut of cuts) {
          got.push(...read(bytes.subarray(at, at + cut)));
          at += cut;
        }
        got.push(...read(bytes.subarray(at)));
        // Adjacent data frames of one stream cannot be told apart from pieces; join both sides alike.
        assert.deepEqual(joined(got), joined(frames.map((f) => ({ ...f }))));
      },
    ),
    { numRuns: 300 },
  );
});

test("header blocks of a compressing peer are read, one after the other", async () => {
  const deflate = createDeflate({ dictionary: headerDictionary, level: 9 });
  let chunks: Buffer[] = [];
  deflate.on("data", (c) => chunks.push(c));
  const read = createHeaderReader();
  for (let i = 0; i < 50; i++) {
    const sent = new Map([
      ["streamtype", i % 2 ? "stdout" : "error"],
      ["requestid", String(i)],
      ["content-type", "text/plain"],
    ]);
    chunks = [];
    // The stored form is taken apart to get at the plain block.
    const stored = createHeaderWriter()(sent);
    deflate.write(stored.subarray(6 + 5, -5));
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    assert.deepEqual(read(Buffer.concat(chunks)), sent);
  }
});

test("a header block ends with the mark of a flush, without which Go's inflater keeps it back", () => {
  const block = createHeaderWriter()(new Map([["streamtype", "error"]]));
  assert.equal(block.subarray(-5).toString("hex"), "000000ffff");
});

const broken: { name: string; bytes: Buffer; error: RegExp }[] = [
  { name: "another version", bytes: Buffer.from("8002000600000004", "hex"), error: /SPDY\/3/ },
  { name: "HTTP", bytes: Buffer.from("\xffTTP/1.1", "latin1"), error: /SPDY\/3/ },
  { name: "a control frame without end", bytes: Buffer.from("8003000100ffffff", "hex"), error: /too long/ },
  { name: "a short frame", bytes: Buffer.from("800300060000000100", "hex"), error: /too short/ },
  { name: "no zlib", bytes: Buffer.from("80030002000000080000000141414141", "hex"), error: /zlib/ },
  {
    name: "a header block that ends early",
    bytes: Buffer.concat([
      Buffer.from("800300020000000f00000001", "hex"),
      Buffer.from("78bbe3c6a7c20000000000", "hex"),
    ]),
    error: /.*/,
  },
];
for (const { name, bytes, error } of broken)
  test(`refused: ${name}`, () => {
    assert.throws(() => createFrameReader()(bytes), error);
  });
