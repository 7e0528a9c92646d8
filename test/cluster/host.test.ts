// What a cluster has on the host comes back when somebody takes it away: docker, ufw and firewalld flush the whole ruleset,
// systemd-networkd removes routes and rules that it does not know.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

const outside = `plx-${process.pid}`;
/** Looked for every 4 s; the rest is for a busy machine. */
const limitMs = 10_000;
let cluster: TestCluster;
let server: ChildProcess;

async function ok(command: string): Promise<string> {
  const [file = "", ...args] = command.split(" ");
  const r = await runCommand(file, args, { timeoutMs: 10_000 });
  assert.equal(r.code, 0, `${command}: ${r.stderr}`);
  return r.stdout;
}

before(async () => {
  // A way out: a machine that knows nobody behind this one.
  await ok(`ip netns add ${outside}`);
  await ok(`ip link add plx0 type veth peer name eth0 netns ${outside}`);
  await ok("ip address add 192.0.2.2/24 dev plx0");
  await ok("ip link set plx0 up");
  await ok(`ip -n ${outside} address add 192.0.2.1/24 dev eth0`);
  await ok(`ip -n ${outside} link set eth0 up`);
  await ok("ip route add default via 192.0.2.1");
  const serve =
    'require("node:net").createServer((s) => s.end(s.remoteAddress)).listen(80, "192.0.2.1", () => console.log("up"))';
  server = spawn("nsenter", [`--net=/run/netns/${outside}`, process.execPath, "-e", serve], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(server.stdout!, "data");
  cluster = await startCluster("host", "--nodes", "2");
});
after(async () => {
  await cluster?.down();
  server?.kill("SIGKILL");
  await runCommand("ip", ["link", "delete", "plx0"]);
  await runCommand("ip", ["netns", "delete", outside]);
});

/** By which address the machine outside sees a node, or what became of the connection. */
async function seenOutside(from = "node-1"): Promise<string> {
  const ask = `require("node:net").connect(80, "192.0.2.1").on("error", (e) => process.stdout.write(e.code)).on("data", (d) => process.stdout.write(d)).setTimeout(700, () => process.exit(1))`;
  const node = `--net=/run/netns/portolan-host-${from}`;
  return (await runCommand("nsenter", [node, process.execPath, "-e", ask], { timeoutMs: 5000 })).stdout;
}
const table = (): Promise<string> => ok("nft list table ip portolan-host");

test("the host's ruleset is flushed: pods get out again, load balancers keep their nodes", async () => {
  const before = await table();
  assert.match(before, /map entry-nodes/);
  assert.equal(await seenOutside(), "192.0.2.2");
  await ok("nft flush ruleset");
  assert.equal(await seenOutside(), "");
  await eventually("the host's table", limitMs, async () =>
    (await seenOutside()) === "192.0.2.2" ? true : undefined,
  );
  assert.equal(await table(), before);
  // A part of it alone, while another's table is there and stays.
  await ok("nft add table ip somebody");
  for (const change of [
    "flush map ip portolan-host entry-nodes",
    "flush chain ip portolan-host postrouting",
  ]) {
    await ok(`nft ${change}`);
    await eventually(change, limitMs, async () => ((await table()) === before ? true : undefined));
  }
  await ok("nft delete table ip somebody");
});

test("a way out that is missing for a moment takes nothing away", async () => {
  const before = await table();
  await ok("ip route delete default");
  await ok("nft flush ruleset");
  await eventually("the host's table", limitMs, async () =>
    (await table().catch(() => "")) === before ? true : undefined,
  );
  await ok("ip route add default via 192.0.2.1");
  assert.equal(await seenOutside(), "192.0.2.2");
});

test("routes and rules that are deleted come back", async () => {
  const shown = async (): Promise<string> => {
    const lines = (await ok("ip -4 route show table all dev ptl0")) + (await ok("ip rule show"));
    return (
      lines
        .split("\n")
        // A range that was missing leads to any node that lives.
        .map((l) => l.trim().replace(/^(10\.96\.0\.0|172\.30\.200\.0)(.*) via \S+/, "$1$2"))
        .sort()
        .join("\n")
    );
  };
  const right = await shown();
  async function comesBack(): Promise<void> {
    let now = await shown();
    assert.notEqual(now, right);
    const end = performance.now() + limitMs;
    while (now !== right && performance.now() < end) {
      await new Promise((r) => setTimeout(r, 200));
      now = await shown();
    }
    assert.equal(now, right);
  }
  for (const what of [
    "route delete 10.244.1.0/24",
    "route delete 10.96.0.0/16",
    "route delete 172.30.200.0/24",
    "rule delete fwmark 0x504c0002",
    "rule delete fwmark 0x504c0001",
    "route flush table 0x504c0001",
  ])
    await ok(`ip ${what}`);
  await comesBack();
  for (const what of ["route flush dev ptl0", "address flush dev ptl0"]) {
    await ok(`ip ${what}`);
    await comesBack();
  }
  // What is down stays down, since somebody wanted that.
  await ok("ip link set ptl0 down");
  await new Promise((r) => setTimeout(r, 5000));
  assert.match(await ok("ip link show ptl0"), /state DOWN/);
  await ok("ip link set ptl0 up");
  await comesBack();
});

test("a node's address and routes come back, and those that its link lost while it was down", async () => {
  const onNode = (command: string): Promise<string> =>
    ok(`nsenter --net=/run/netns/portolan-host-node-2 ip ${command}`);
  const shown = async (): Promise<string> => (await onNode("-4 route show")).trimEnd();
  const right = await shown();
  assert.match(right, /^default via 172\.30\.0\.1/);
  for (const commands of [
    ["route delete default", "route delete 10.244.0.0/24"],
    ["route flush dev eth0"],
    ["address flush dev eth0"],
    ["link set eth0 down", "link set eth0 up"],
  ]) {
    for (const command of commands) await onNode(command);
    assert.notEqual(await shown(), right, commands.join());
    await eventually(commands.join(), limitMs, async () => ((await shown()) === right ? true : undefined));
  }
  await eventually("the way out", limitMs, async () =>
    (await seenOutside("node-2")) === "192.0.2.2" ? true : undefined,
  );
});
