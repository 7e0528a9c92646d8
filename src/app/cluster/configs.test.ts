import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { upstreamNameServers } from "./configs.ts";

const rows: [name: string, families: (4 | 6)[], servers: string[], usable: string[]][] = [
  ["of the cluster's family", [4], ["192.0.2.1", "2001:db8::1"], ["192.0.2.1"]],
  ["of IPv6 alone", [6], ["192.0.2.1", "2001:db8::1"], ["2001:db8::1"]],
  ["of both", [4, 6], ["2001:db8::1", "192.0.2.1"], ["2001:db8::1", "192.0.2.1"]],
  ["not on loopback", [4, 6], ["127.0.0.53", "::1"], []],
  ["a cloud's, not one link's", [4, 6], ["169.254.169.254", "fe80::1", "fe80::1%eth0"], ["169.254.169.254"]],
];
for (const [name, families, servers, usable] of rows)
  test(`name servers that pods' questions go to: ${name}`, (t) => {
    const dir = mkdtempSync(join(tmpdir(), "portolan-configs-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "resolv.conf");
    writeFileSync(file, servers.map((s) => `nameserver ${s}\n`).join(""));
    assert.deepEqual(upstreamNameServers(families, [join(dir, "none"), file]), usable);
  });
