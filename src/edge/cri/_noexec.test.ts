import assert from "node:assert/strict";
import { test } from "node:test";
import { forbidExecution } from "./_noexec.ts";

const spec = (...mounts: string[]): string =>
  `{"ociVersion":"1.0","process":{"args":["{\\"destination\\":\\"/v\\",\\"options\\":["],"max":18446744073709551615},"mounts":[${mounts.join(",")}]}`;
const mount = (destination: string, options: string, source = "/s"): string =>
  `{"destination":"${destination}","type":"bind","source":"${source}","options":[${options}]}`;

const rows: [name: string, destination: string, before: string[], after: string[] | undefined][] = [
  [
    "one of several",
    "/v",
    [mount("/vv", '"ro"'), mount("/v", '"rbind","ro"'), mount("/", "")],
    [mount("/vv", '"ro"'), mount("/v", '"noexec","rbind","ro"'), mount("/", "")],
  ],
  ["one without options", "/v", [mount("/v", "")], [mount("/v", '"noexec"')]],
  [
    "one that stands there twice",
    "/v",
    [mount("/v", '"a"'), mount("/v", '"b"')],
    [mount("/v", '"noexec","a"'), mount("/v", '"noexec","b"')],
  ],
  [
    "a source with everything in its name",
    "/v",
    [mount("/v", '"ro"', '/\\"options\\":[{}\\\\')],
    [mount("/v", '"noexec","ro"', '/\\"options\\":[{}\\\\')],
  ],
  ["a path as Go writes it", "/a&b", [mount("/a\\u0026b", '"ro"')], [mount("/a\\u0026b", '"noexec","ro"')]],
  ["none", "/w", [mount("/v", '"ro"')], undefined],
];
for (const [name, destination, before, after] of rows)
  test(`execution is forbidden in a mount, and nothing else is changed: ${name}`, () => {
    assert.equal(forbidExecution(spec(...before), destination), after && spec(...after));
  });
