import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesAtOnce, needsAddressesAtOnce, renderCniConfig } from "./cni-config.ts";
import { renderContainerdConfig } from "./containerd-config.ts";

test("the containerd configuration names every path it was given, quoted", () => {
  const text = renderContainerdConfig({
    root: "/r",
    state: "/s",
    socket: "/s/c.sock",
    cniBinDir: "/usr/lib/cni",
    cniConfDir: "/n/cni",
    sandboxImage: "portolan.local/pause:1",
    restrictOomScoreAdj: true,
  });
  for (const line of [
    'root = "/r"',
    'state = "/s"',
    'address = "/s/c.sock"',
    'bin_dir = "/usr/lib/cni"',
    'conf_dir = "/n/cni"',
    'sandbox_image = "portolan.local/pause:1"',
    "restrict_oom_score_adj = true",
    'Root = "/s/runc"',
  ])
    assert.ok(text.split("\n").includes(line), `missing line: ${line}`);
});

test("the CNI configuration wires pods from the node's range", () => {
  const list = JSON.parse(
    renderCniConfig({ name: "c-n1", podCIDRs: ["10.244.0.0/24"], mtu: 1400, dataDir: "/d" }),
  );
  assert.equal(list.name, "c-n1");
  assert.equal(list.plugins[0].mtu, 1400);
  assert.equal(list.plugins.length, 1);
  assert.deepEqual(list.plugins[0].ipam.ranges, [[{ subnet: "10.244.0.0/24" }]]);
});

test("a pod of two families has an address and a way out of each, usable at once", () => {
  const podCIDRs = ["10.244.0.0/24", "fd00:10:244::/64"];
  assert.equal(needsAddressesAtOnce(podCIDRs), true);
  const { plugins } = JSON.parse(renderCniConfig({ name: "c-n1", podCIDRs, mtu: 1500, dataDir: "/d" }));
  assert.deepEqual(
    plugins.map((p: { type: string }) => p.type),
    [addressesAtOnce, "ptp"],
  );
  assert.deepEqual(
    plugins[1].ipam.ranges.map((r: [{ subnet: string }]) => r[0].subnet),
    podCIDRs,
  );
  assert.deepEqual(plugins[1].ipam.routes, [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]);
});
