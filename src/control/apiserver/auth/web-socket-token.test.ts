import assert from "node:assert/strict";
import { test } from "node:test";
import { splitBearerToken } from "./web-socket-token.ts";

const name = (token: string) =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`;
const rows: { what: string; header: string; expected: object | undefined }[] = [
  {
    what: "a token and a protocol",
    header: `${name("abc.def")}, v4.channel.k8s.io`,
    expected: { token: "abc.def", rest: "v4.channel.k8s.io" },
  },
  { what: "in any order", header: `a,${name("t")} ,b`, expected: { token: "t", rest: "a, b" } },
  { what: "no token", header: "v4.channel.k8s.io", expected: undefined },
  { what: "nothing beside it", header: name("t"), expected: undefined },
  { what: "two tokens", header: `${name("t")}, ${name("u")}, a`, expected: undefined },
  { what: "no base64", header: "base64url.bearer.authorization.k8s.io.a+/=, a", expected: undefined },
  { what: "an empty token", header: "base64url.bearer.authorization.k8s.io., a", expected: undefined },
  { what: "a token with a space", header: `${name("a b")}, a`, expected: undefined },
];
for (const { what, header, expected } of rows)
  test(`bearer token among subprotocols: ${what}`, () => {
    assert.deepEqual(splitBearerToken(header), expected);
  });
