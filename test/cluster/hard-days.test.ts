// A cluster's worst days: its server is killed again and again while it is written to, its node dies with its supervisors,
// the machine is started anew. What was acknowledged is there, and `up` brings back the rest.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findProcesses, signalProcess } from "../../src/app/cluster/processes.ts";
import { eventually, startCluster, type TestCluster } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";

const name = "days";
let cluster: TestCluster;
before(async () => {
  cluster = await startCluster(name);
});
after(async () => {
  const down = await cluster.down();
  assert.equal(down.code, 0, down.stdout + down.stderr);
  assert.deepEqual(leftovers(name), []);
});

const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
const kill = (roles: RegExp): void => {
  for (const p of findProcesses(name)) if (roles.test(p.role)) signalProcess(p.pid, "SIGKILL");
};

test("the server is killed six times under load: no acknowledged write is lost, no revision comes twice", async () => {
  const acknowledged = new Map<string, number>();
  let stop = false;
  const writer = async (w: number): Promise<void> => {
    for (let i = 0; !stop; i++) {
      const made = await cluster.kubectl(
        ...["create", "configmap", `w${w}-${i}`, "-o", "jsonpath={.metadata.resourceVersion}"],
      );
      if (made.code === 0) acknowledged.set(`w${w}-${i}`, Number(made.stdout));
      else await pause(50);
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  for (let i = 0; i < 6; i++) {
    await pause(700);
    kill(/^server$/);
  }
  await eventually("the server comes back", 5_000, async () =>
    (await cluster.kubectl("get", "--raw", "/readyz")).code === 0 ? true : undefined,
  );
  await pause(500);
  stop = true;
  await Promise.all(writers);
  const all = await cluster.ok(
    ...["get", "configmaps", "-o"],
    "jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}",
  );
  const stored = new Map(
    all
      .trim()
      .split("\n")
      .map((l) => [l.split(" ")[0]!, Number(l.split(" ")[1])]),
  );
  assert.ok(acknowledged.size > 5, `only ${acknowledged.size} writes`);
  for (const [key, revision] of acknowledged) assert.equal(stored.get(key), revision, key);
  assert.equal(new Set(stored.values()).size, stored.size, "revisions are unique");
});

test("a node is killed with its supervisors: status says what is missing, after up it answers at once", async () => {
  await cluster.ok("run", "web", "--image=nginx");
  await cluster.ok("wait", "pod/web", "--for=condition=Ready", "--timeout=30s");
  const container = () => cluster.ok("get", "pod", "web", "-o", "jsonpath={.status.containerStatuses}");
  const earlier = await container();
  kill(/^node-1\/(node|containerd)(\/supervisor)?$/);
  const status = await cluster.portolan("status", "--name", name);
  assert.equal(status.code, 1);
  assert.match(status.stdout, /node-1 .* NotReady: node-1\/containerd is not running/);
  assert.match(status.stdout, /Missing .*node-1\/node.*; start them: portolan up --name days/);
  const up = await cluster.portolan("up", "--name", name);
  assert.equal(up.code, 0, up.stdout + up.stderr);
  assert.equal(await cluster.ok("exec", "web", "--", "echo", "here"), "here\n");
  assert.equal(await container(), earlier, "the container was left alone");
});

/** What a machine forgets when it is started anew: processes, namespaces, links, rules, mounts, control groups, /run. */
function reboot(): void {
  const groups = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((d) => join("/sys/fs/cgroup", d))]
    .map((d) => join(d, `portolan-${name}`))
    .filter((d) => existsSync(d));
  const script = `
    for g in ${groups.join(" ")}; do
      for round in 1 2 3; do
        find "$g" -name cgroup.procs -exec cat {} + 2>/dev/null | xargs -r kill -9 2>/dev/null; sleep 0.2
      done
      find "$g" -depth -type d -exec rmdir {} \\; 2>/dev/null
    done
    for n in $(ip netns list | grep -o '^portolan-${name}-[a-z0-9-]*'); do ip netns delete $n; done
    for l in $(ip -o link | grep -o ' ptl[0-9][0-9n]*' | sort -u); do ip link delete $l 2>/dev/null; done
    nft flush ruleset`;
  for (let round = 0; round < 3; round++) kill(/./);
  spawnSync("sh", ["-c", script]);
  const state = cluster.env.PORTOLAN_STATE_DIR!;
  const run = cluster.env.PORTOLAN_RUN_DIR!;
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((l) => l.split(" ")[4] ?? "")
    .filter((m) => m.startsWith(`${state}/`) || m.startsWith(`${run}/`));
  for (const mount of mounts.reverse()) spawnSync("umount", ["--lazy", mount]);
  rmSync(run, { recursive: true, force: true });
}

test("the machine is started anew: objects are there, pods are restarted or honestly failed", async () => {
  await cluster.ok("run", "once", "--image=busybox", "--restart=Never", "--", "sleep", "1000");
  await cluster.ok("create", "configmap", "kept", "--from-literal=a=b");
  await cluster.ok("wait", "pod/once", "--for=condition=Ready", "--timeout=30s");
  reboot();
  assert.deepEqual(leftovers(name), []);
  const up = await cluster.portolan("up", "--name", name);
  assert.equal(up.code, 0, up.stdout + up.stderr);
  assert.equal(await cluster.ok("get", "configmap", "kept", "-o", "jsonpath={.data.a}"), "b");
  await eventually("web is restarted", 20_000, async () => {
    const state = await cluster.ok(
      ...["get", "pod", "web", "-o"],
      "jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}",
    );
    return state === "1 true" ? true : undefined;
  });
  await eventually("once has failed", 20_000, async () =>
    (await cluster.ok("get", "pod", "once", "-o", "jsonpath={.status.phase}")) === "Failed"
      ? true
      : undefined,
  );
  assert.equal(await cluster.ok("exec", "web", "--", "echo", "here"), "here\n");
});
