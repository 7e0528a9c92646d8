import assert from "node:assert/strict";
import { test } from "node:test";
import { shimSocket } from "./shim-sockets.ts";

test("only a shim's own socket is taken for one", () => {
  const path = `/run/containerd/s/${"0a".repeat(32)}`;
  const rows: [string, string | undefined][] = [
    [`unix://${path}\n`, path],
    [path, path],
    [`unix:///tmp/${"0a".repeat(32)}`, undefined],
    ["unix:///run/containerd/s/../../etc/passwd", undefined],
    ["", undefined],
  ];
  for (const [address, expected] of rows) assert.equal(shimSocket(address), expected, address);
});
