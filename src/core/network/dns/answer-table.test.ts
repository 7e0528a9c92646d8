import assert from "node:assert/strict";
import { test } from "node:test";
import * as packet from "dns-packet";
import { createAnswerTable, type ReadyAnswer } from "./answer-table.ts";
import { createQueryView, parseQuery, type QueryView } from "./query.ts";

function asked(name: string): QueryView {
  const view = createQueryView();
  parseQuery(view, packet.encode({ type: "query", questions: [{ name, type: "A" }] }));
  return view;
}

/** A message of that question whose last bytes are the number. */
function answerOf(view: QueryView, n: number, length: number): ReadyAnswer {
  const bytes = Buffer.alloc(length);
  view.bytes.copy(bytes, 0, 0, view.nameEnd + 4);
  bytes.writeUInt32BE(n, length - 4);
  return {
    bytes,
    offset: 0,
    length,
    rcode: n % 16,
    rotate: { start: n % 100, size: 16, count: n % 5 },
    withoutAdditional: length,
  };
}

const numberOf = (a: ReadyAnswer): number => a.bytes.readUInt32BE(a.offset + a.length - 4);

test("twelve thousand questions are found again, whatever their length, with their own answers", () => {
  const table = createAnswerTable();
  const views = Array.from({ length: 12_000 }, (_, i) => asked(`svc-${i}.default.svc.cluster.local`));
  const length = (i: number): number => (i % 100 === 7 ? 400 : 80 + (i % 60));
  for (const [i, view] of views.entries()) table.put(view, 1, answerOf(view, i, length(i)));
  let kept = 0;
  for (const [i, view] of views.entries()) {
    const answer = table.find(view, 1);
    if (!answer) continue;
    kept++;
    assert.equal(numberOf(answer), i);
    assert.equal(answer.length, length(i));
    assert.equal(answer.rcode, i % 16);
    assert.deepEqual(answer.rotate, { start: i % 100, size: 16, count: i % 5 });
  }
  assert.ok(kept > 11_600, `${kept} are kept`);
  assert.ok(table.size >= kept);
});

test("a question is the same in any spelling, and gone with its generation", () => {
  const table = createAnswerTable();
  const small = asked("Web.default.svc.cluster.local");
  const large = asked("DB.default.svc.cluster.local");
  table.put(small, 1, answerOf(small, 1, 90));
  table.put(large, 1, answerOf(large, 2, 900));
  assert.equal(numberOf(table.find(asked("wEB.default.svc.cluster.local"), 1)!), 1);
  assert.equal(numberOf(table.find(asked("db.default.svc.CLUSTER.local"), 1)!), 2);
  assert.equal(table.find(small, 2), undefined);
  assert.equal(table.find(large, 2), undefined);
  assert.equal(table.find(asked("we.default.svc.cluster.local"), 1), undefined);
  table.put(small, 2, answerOf(small, 3, 900));
  assert.equal(numberOf(table.find(small, 2)!), 3, "an answer that has grown long");
  table.put(small, 3, answerOf(small, 4, 90));
  assert.equal(numberOf(table.find(small, 3)!), 4, "and short again");
});
