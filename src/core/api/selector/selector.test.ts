import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusError } from "../status.ts";
import {
  formatLabelSelector,
  labelSelectorMatches,
  parseFieldSelector,
  parseLabelSelector,
  printRequirements,
  requirementsMatch,
} from "./mod.ts";

const printed: [name: string, text: string, again: string][] = [
  ["empty", "", ""],
  ["equality", "x=a,y=b,z=c", "x=a,y=b,z=c"],
  ["not equal", "x!=a,y=b", "x!=a,y=b"],
  ["double equals", "x==a", "x==a"],
  ["sets", "z in (h,i,j),x notin (foo, bar)", "x notin (bar,foo),z in (h,i,j)"],
  ["sets are sorted by key, values by text", "b in (2,1) , a", "a,b in (1,2)"],
  ["empty values", "x in (),y notin (a,)", "x in (),y notin (,a)"],
  ["exists and not", "!x , y", "!x,y"],
  ["operator words as keys and values", "in in (in,notin),notin=in", "in in (in,notin),notin=in"],
  ["numbers", "x>1,z<5", "x>1,z<5"],
  ["empty value", "x=,y!=", "x=,y!="],
  ["no space before the parenthesis", "x in(a,b)", "x in (a,b)"],
];
for (const [name, text, again] of printed)
  test(`a label selector is read and printed: ${name}`, () => {
    assert.equal(printRequirements(parseLabelSelector(text)), again);
  });

const refused: [text: string, message: string][] = [
  ["x=a||y=b", 'unable to parse requirement: values[0][x]: Invalid value: "a||y"'],
  ["x==a==b", "found '==', expected: ',' or 'end of string'"],
  ["x,,y", "found ',', expected: identifier after ','"],
  [",x", "found ',', expected: !, identifier, or 'end of string'"],
  ["x in a", "unable to parse requirement: found 'a' expected: '('"],
  ["x in (a", "unable to parse requirement: found '', expected: ',' or ')'"],
  ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ["!x=a", "found '=', expected: ',' or 'end of string'"],
  ["-a=b", 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
  ["x>a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators"],
];
for (const [text, message] of refused)
  test(`a label selector is refused: ${text}`, () => {
    assert.throws(
      () => parseLabelSelector(text),
      (e: StatusError) => e.code === 400 && e.message.startsWith(message),
    );
  });

test("a label selector matches", () => {
  const labels = { app: "web", n: "7" };
  const yes = ["", "app", "app=web", "app in (web,db)", "x!=1", "!x", "x notin (a)", "n>6", "n<8,app"];
  const no = ["x", "app=db", "app!=web", "!app", "app notin (web)", "n>7", "app>1", "constructor"];
  for (const s of yes) assert.ok(requirementsMatch(parseLabelSelector(s), labels), s);
  for (const s of no) assert.ok(!requirementsMatch(parseLabelSelector(s), labels), s);
});

test("a LabelSelector matches, and is printed as kubectl shows it", () => {
  const s = {
    matchLabels: { b: "1", a: "2" },
    matchExpressions: [{ key: "c", operator: "In", values: ["y", "x"] }],
  };
  assert.equal(formatLabelSelector(s), "a=2,b=1,c in (x,y)");
  assert.ok(labelSelectorMatches(s, { a: "2", b: "1", c: "y" }));
  assert.ok(!labelSelectorMatches(s, { a: "2", b: "1" }));
  assert.ok(labelSelectorMatches({}, undefined));
  assert.ok(!labelSelectorMatches(undefined, {}));
  assert.equal(formatLabelSelector({}), "<none>");
  assert.equal(formatLabelSelector({ matchExpressions: [{ key: "a", operator: "Is" }] }), "<error>");
});

test("a field selector is read", () => {
  assert.deepEqual(parseFieldSelector("status.phase!=Running,,metadata.name==a\\,b"), [
    { field: "metadata.name", operator: "=", value: "a,b" },
    { field: "status.phase", operator: "!=", value: "Running" },
  ]);
  for (const [text, message] of [
    ["abc", "invalid selector: 'abc'; can't understand 'abc'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\x", "invalid field selector: invalid escape sequence: \\x"],
  ] as const)
    assert.throws(() => parseFieldSelector(text), { message });
});
