// Starting, starting again, standing side by side, being killed and interrupted, and leaving nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { findProcesses, isAlive, signalProcess } from "../../src/app/cluster/processes.ts";
import { bin, environment, eventually, runCommand, startCluster } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";

const dir = mkdtempSync("/tmp/portolan-lifecycle-");
const env = environment(dir);
const portolan = (...args: string[]) => runCommand(bin, args, { env, timeoutMs: 120_000 });
afterEach(async () => {
  for (const name of ["one", "two", "cut", "port", "route"]) await portolan("down", "--name", name);
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** The processes that `up` starts, without what they start themselves. */
const started = (cluster: string): string[] =>
  findProcesses(cluster)
    .filter((p) => /(^server|\/node|\/containerd)(\/supervisor)?$/.test(p.role))
    .map((p) => `${p.role} ${p.pid}`)
    .sort();

test("two clusters stand side by side; each goes alone and leaves nothing", async () => {
  writeFileSync(
    env.KUBECONFIG,
    "# mine\napiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n",
  );
  const one = await portolan("up", "--name", "one");
  assert.equal(one.code, 0, one.stdout + one.stderr);
  const before = started("one");
  const again = await portolan("up", "--name", "one");
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.deepEqual(started("one"), before, "up again starts nothing");
  const two = await portolan("up", "--name", "two");
  assert.equal(two.code, 0, two.stdout + two.stderr);
  for (const context of ["portolan-one", "portolan-two"]) {
    const nodes = await runCommand(process.env.KUBECTL ?? "kubectl", ["--context", context, "get", "nodes"], {
      env,
    });
    assert.match(nodes.stdout, /node-1 +Ready/, nodes.stderr);
  }
  // The test's network namespace has no way out: nobody waits to be told so.
  const outside = `require("node:net").connect(80, "192.0.2.1").on("error", (e) => process.stdout.write(e.code))`;
  const refused = await runCommand(
    "nsenter",
    ["--net=/run/netns/portolan-one-node-1", "--", process.execPath, "-e", outside],
    { timeoutMs: 5000 },
  );
  assert.equal(refused.stdout, "EHOSTUNREACH");
  const gone = await portolan("down", "--name", "one");
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  const status = await portolan("status", "--name", "two");
  assert.equal(status.code, 0, status.stdout);
  assert.deepEqual(
    leftovers("one", [join(dir, "state/clusters/one"), join(dir, "run/one")]).filter((l) => !/ptl1/.test(l)),
    [],
  );
  const last = await portolan("down", "--name", "two");
  assert.equal(last.code, 0, last.stdout + last.stderr);
  assert.deepEqual(leftovers("two", [dir]), []);
  const kubeconfig = readFileSync(env.KUBECONFIG, "utf8");
  assert.match(kubeconfig, /# mine/);
  assert.doesNotMatch(kubeconfig, /portolan/);
  assert.equal(existsSync(join(dir, "state/clusters/two")), false);
});

test("up interrupted at any point leaves nothing after down, and can be continued", async () => {
  for (const ms of [60, 120, 180, 250, 400, 700]) {
    const child = spawn(bin, ["up", "--name", "cut"], { env, stdio: "ignore" });
    await new Promise((r) => setTimeout(r, ms));
    child.kill("SIGKILL");
    if (ms === 250) {
      const continued = await portolan("up", "--name", "cut");
      assert.equal(continued.code, 0, `continued after ${ms} ms: ${continued.stdout}${continued.stderr}`);
    }
    const down = await portolan("down", "--name", "cut");
    assert.equal(down.code, 0, `down after ${ms} ms: ${down.stdout}${down.stderr}`);
    assert.deepEqual(leftovers("cut", [dir]), [], `after ${ms} ms`);
  }
});

test("a port in use and a colliding route are named with their cure", async () => {
  const server = createServer().listen(7443, "127.0.0.1");
  await new Promise((r) => server.once("listening", r));
  const port = await portolan("up", "--name", "port", "--api-port", "7443");
  server.close();
  assert.equal(port.code, 1);
  assert.match(port.stderr, /port 7443 is in use on 127.0.0.1; choose another: portolan up --api-port 7543/);
  await runCommand("ip", ["route", "add", "10.96.0.0/12", "dev", "lo"]);
  const route = await portolan("up", "--name", "route");
  await runCommand("ip", ["route", "delete", "10.96.0.0/12", "dev", "lo"]);
  assert.equal(route.code, 1);
  assert.match(
    route.stderr,
    /10\.96\.0\.0\/16 collides with the route 10\.96\.0\.0\/12 dev lo; choose another: portolan up --service-cidr/,
  );
  assert.deepEqual(leftovers("route", [dir]), []);
});

test("a name that is taken by another state directory or network namespace is refused, and down leaves it alone", async () => {
  const one = await portolan("up", "--name", "one");
  assert.equal(one.code, 0, one.stdout + one.stderr);
  const before = started("one");
  const elsewhere = {
    ...env,
    HOME: join(dir, "elsewhere"),
    KUBECONFIG: join(dir, "elsewhere/kubeconfig"),
    PORTOLAN_STATE_DIR: join(dir, "elsewhere/state"),
    PORTOLAN_RUN_DIR: join(dir, "elsewhere/run"),
  };
  mkdirSync(elsewhere.HOME);
  const there = (...args: string[]) => runCommand(bin, args, { env: elsewhere, timeoutMs: 120_000 });
  const apart = (e: NodeJS.ProcessEnv, ...args: string[]) =>
    runCommand("unshare", ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", bin, ...args], {
      env: e,
      timeoutMs: 120_000,
    });
  const cure = new RegExp(
    `the name one is taken on this machine: process \\d+ \\(.*\\) is of a cluster of that name in ${dir}/state, .*: PORTOLAN_STATE_DIR=${dir}/state PORTOLAN_RUN_DIR=${dir}/run portolan down --name one`,
  );
  try {
    for (const refused of [
      await there("up", "--name", "one"),
      await there("down", "--name", "one"),
      await apart(elsewhere, "up", "--name", "one"),
      await apart(elsewhere, "down", "--name", "one"),
    ]) {
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, cure);
      assert.deepEqual(started("one"), before);
    }
    assert.deepEqual(readdirSync(elsewhere.HOME), [], "nothing was made");
    assert.match((await there("status", "--name", "one")).stdout, /no cluster/i);
    const inAnother = await apart(env, "up", "--name", "one");
    assert.equal(inAnother.code, 1);
    assert.match(
      inAnother.stderr,
      /the cluster one runs in another network namespace \(net:\[\d+\]; process \d+, .*\); choose another name/,
    );
    // Under another name it stands beside, with links and ranges of its own.
    const two = await there("up", "--name", "two");
    assert.equal(two.code, 0, two.stdout + two.stderr);
    const links = await runCommand("ip", ["-o", "link", "show", "type", "bridge"]);
    assert.match(links.stdout, /ptl0[\s\S]*ptl1/);
    assert.equal((await portolan("status", "--name", "one")).code, 0);
    assert.equal((await there("down", "--name", "two")).code, 0);
    assert.equal((await portolan("status", "--name", "one")).code, 0);
    assert.deepEqual(started("one"), before);
  } finally {
    await there("down", "--name", "two");
  }
});

test("where IPv6 is switched off, a cluster that needs it is refused with the cure", {
  skip: existsSync("/proc/sys/net/ipv6") ? false : "this kernel has no IPv6",
}, async () => {
  const setting = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
  writeFileSync(setting, "1");
  try {
    const { code, stderr } = await portolan("up", "--name", "six", "--ip-family", "dual");
    assert.equal(code, 1);
    assert.match(stderr, /IPv6 is switched off .*: sysctl -w net\.ipv6\.conf\.all\.disable_ipv6=0/);
  } finally {
    writeFileSync(setting, "0");
  }
  await runCommand("ip", ["-6", "route", "add", "fd00:10::/32", "dev", "lo"]);
  const route = await portolan("up", "--name", "six", "--ip-family", "ipv6");
  await runCommand("ip", ["-6", "route", "delete", "fd00:10::/32", "dev", "lo"]);
  assert.equal(route.code, 1);
  assert.match(
    route.stderr,
    /fd00:10:244::\/56 collides with the route fd00:10::\/32 dev lo; choose another: portolan up --pod-cidr/,
  );
  assert.deepEqual(leftovers("six", [dir]), []);
});

test("server, node and containerd are killed: no container restarts, no request fails, all come back", async () => {
  const cluster = await startCluster("killed");
  try {
    await cluster.ok("create", "deployment", "web", "--image=nginx", "--replicas=2", "--port=80");
    await cluster.ok("expose", "deployment", "web");
    await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
    const ip = await cluster.ok("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
    const pods = () =>
      cluster.ok(
        "get",
        "pods",
        "-o",
        "jsonpath={range .items[*]}{.metadata.uid} {.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{'\\n'}{end}",
      );
    const before = (await pods()).split("\n").sort();
    let asked = 0;
    const failures: string[] = [];
    let stop = false;
    await eventually("the Service answers", 5000, async () =>
      (await fetch(`http://${ip}`)).status === 200 ? true : undefined,
    );
    const load = (async () => {
      while (!stop && asked < 20_000) {
        asked++;
        await fetch(`http://${ip}`, {
          signal: AbortSignal.timeout(3000),
          headers: { connection: "close" },
        }).then(
          async (r) => {
            if (r.status !== 200) failures.push(`code ${r.status}`);
            await r.text();
          },
          (e: Error) => failures.push(`${e.message} ${String(e.cause ?? "")}`),
        );
        await new Promise((r) => setTimeout(r, 5));
      }
    })();
    for (const role of ["server", "node-1/node", "node-1/containerd"]) {
      const victim = findProcesses("killed").find((p) => p.role === role);
      assert.ok(victim, `${role} runs`);
      signalProcess(victim.pid, "SIGKILL");
      await eventually(`${role} ends`, 5000, async () => (isAlive(victim.pid) ? undefined : true));
      await eventually(`${role} comes back`, 20_000, async () => {
        const status = await cluster.portolan("status", "--name", "killed");
        const now = findProcesses("killed").find((p) => p.role === role);
        return status.code === 0 && now && now.pid !== victim.pid ? true : undefined;
      });
    }
    // A node that has come back still runs pods.
    await cluster.ok("scale", "deployment", "web", "--replicas=3");
    await cluster.ok("rollout", "status", "deployment/web", "--timeout=60s");
    await cluster.ok("scale", "deployment", "web", "--replicas=2");
    stop = true;
    await load;
    assert.ok(asked > 100, `only ${asked} requests`);
    assert.deepEqual(failures, []);
    const afterwards = (await pods()).split("\n").filter((l) => before.includes(l));
    assert.ok(afterwards.length >= 2, `containers before: ${before}; still there: ${afterwards}`);
  } finally {
    const down = await cluster.down();
    assert.equal(down.code, 0, down.stdout + down.stderr);
  }
  assert.deepEqual(leftovers("killed"), []);
});
