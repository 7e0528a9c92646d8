import assert from "node:assert/strict";
import { test } from "node:test";
import { testSchema } from "../../../../test/support/schema.ts";
import { elementKey } from "./list-elements.ts";

const schema = await testSchema();
const devices = schema.model("V1ResourceClaimStatus")!.fields.get("devices")!;
const ports = schema.model("V1ServiceSpec")!.fields.get("ports")!;
const finalizers = schema.model("V1ObjectMeta")!.fields.get("finalizers")!;
const gpu = { driver: "d", pool: "p", device: "a" };

const rows: [name: string, field: typeof ports, item: unknown, key: string | undefined][] = [
  [
    "all its keys",
    devices,
    { ...gpu, shareID: "s" },
    'k:{"device":"a","driver":"d","pool":"p","shareID":"s"}',
  ],
  ["a key that it has not", devices, { ...gpu, data: {} }, 'k:{"device":"a","driver":"d","pool":"p"}'],
  ["a key with a default", ports, { port: 80 }, 'k:{"port":80,"protocol":"TCP"}'],
  ["no key", devices, { data: {} }, undefined],
  ["its value", finalizers, "a/b", 'v:"a/b"'],
];
for (const [name, field, item, key] of rows)
  test(`an element is known by: ${name}`, () => assert.equal(elementKey(field, item), key));
