import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../api/types.ts";
import { hostPortsConflict, hostPortsOf } from "./mod.ts";

const pod = (hostIP: string, hostPort = 8080, protocol = "TCP"): Pod => ({
  metadata: { name: "web" },
  spec: { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }] },
});

const rows: [name: string, a: Pod, b: Pod, conflict: boolean][] = [
  ["one address", pod("172.30.0.2"), pod("172.30.0.2"), true],
  ["two addresses", pod("172.30.0.2"), pod("127.0.0.1"), false],
  ["any address and one", pod(""), pod("172.30.0.2"), true],
  ["any address and an IPv6 one", pod("0.0.0.0"), pod("fd00:172:30::2"), true],
  ["two families", pod("172.30.0.2"), pod("fd00:172:30::2"), false],
  ["one IPv6 address, written in two ways", pod("fd00:172:30::2"), pod("FD00:172:30:0:0:0:0:2"), true],
  ["two IPv6 addresses", pod("::1"), pod("fd00:172:30::2"), false],
  ["two protocols", pod("::1"), pod("::1", 8080, "UDP"), false],
  ["two ports", pod("::1"), pod("::1", 8081), false],
];
for (const [name, a, b, conflict] of rows)
  test(`host ports of ${name}: ${conflict ? "conflict" : "none"}`, () => {
    const x = hostPortsOf(a)[0]!;
    const y = hostPortsOf(b)[0]!;
    assert.equal(hostPortsConflict(x, y), conflict);
    assert.equal(hostPortsConflict(y, x), conflict);
  });
