// Commands given wrongly, at the same time, or with a kubeconfig that is not as hoped: each refusal names its cure, and what
// is there stays.
import assert from "node:assert/strict";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { findProcesses } from "../../src/app/cluster/processes.ts";
import { bin, environment, runCommand } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";

const dir = mkdtempSync("/tmp/portolan-commands-");
const env = environment(dir);
const portolan = (args: string[], more: NodeJS.ProcessEnv = {}) =>
  runCommand(bin, args, { env: { ...env, ...more }, timeoutMs: 120_000 });
after(async () => {
  for (const name of ["left", "right"]) await portolan(["down", "--name", name]);
  rmSync(dir, { recursive: true, force: true });
});

const wrong: [args: string[], message: RegExp][] = [
  [["up", "--nodes", "abc"], /--nodes: expected a whole number, got "abc"/],
  [["up", "--nodes", "11"], /--nodes: expected a whole number from 1 to 10, got 11/],
  [["up", "--api-port", "0"], /--api-port: expected a port from 1 to 65535, got 0/],
  [["up", "--api-port", "99999"], /--api-port: expected a port from 1 to 65535, got 99999/],
  [
    ["up", "--node-cidr", "127.0.0.0/8"],
    /--node-cidr: 127\.0\.0\.0\/8 holds addresses that are not for hosts/,
  ],
  [["up", "--name", "../x"], /--name: expected at most 40 lower-case letters, digits and '-', got "\.\.\/x"/],
  [["down", "--name", "../../victim"], /--name: expected at most 40/],
];
test("wrong options are refused before anything is touched", async () => {
  mkdirSync(join(dir, "victim"), { recursive: true });
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await portolan(args);
    assert.equal(code, 1, `${args}: ${stdout}${stderr}`);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /, "no stack");
  }
  assert.ok(existsSync(join(dir, "victim")), "down removes nothing outside its directories");
  const user = ["--reuid=65534", "--clear-groups", process.execPath, bin];
  for (const command of ["up", "down"]) {
    const { code, stderr } = await runCommand("setpriv", [...user, command, "--name", "left"], { env });
    assert.equal(code, 1);
    assert.match(stderr, /needs root: run it with sudo/);
  }
});

test("a kubeconfig that cannot be merged into is told of before anything starts", async () => {
  writeFileSync(env.KUBECONFIG, "clusters: [\n");
  const { code, stderr } = await portolan(["up", "--name", "left"]);
  assert.equal(code, 1);
  assert.match(stderr, /kubeconfig: not YAML: .*\nmend it, or choose another file: portolan up --kubeconfig/);
  assert.deepEqual(findProcesses("left"), []);
  assert.equal(readFileSync(env.KUBECONFIG, "utf8"), "clusters: [\n");
  rmSync(env.KUBECONFIG);
});

test("commands at the same time wait for each other; a linked kubeconfig keeps link, owner and mode", async () => {
  const real = join(dir, "real");
  writeFileSync(real, "# mine\napiVersion: v1\nkind: Config\n", { mode: 0o640 });
  chownSync(real, 65534, 65534);
  symlinkSync("real", env.KUBECONFIG);
  // As a program that was killed leaves it.
  writeFileSync(`${real}.lock`, "");
  utimesSync(`${real}.lock`, 1, 1);
  // A user's shell often lacks the directories of the system's own tools.
  const bare = { PATH: `${join(process.execPath, "..")}:/usr/bin:/bin` };
  const ups = await Promise.all([
    portolan(["up", "--name", "left"], bare),
    portolan(["up", "--name", "right"], bare),
    portolan(["up", "--name", "left"], bare),
  ]);
  for (const up of ups) assert.equal(up.code, 0, up.stdout + up.stderr);
  for (const name of ["left", "right"]) {
    const servers = findProcesses(name).filter((p) => p.role === "server");
    assert.equal(servers.length, 1, `one server of ${name}`);
    assert.equal((await portolan(["status", "--name", name])).code, 0);
  }
  assert.ok(lstatSync(env.KUBECONFIG).isSymbolicLink());
  const { uid, gid, mode } = statSync(real);
  assert.deepEqual([uid, gid, mode & 0o777], [65534, 65534, 0o640]);
  assert.match(readFileSync(real, "utf8"), /# mine\n/);

  const more = await portolan(["up", "--name", "left", "--nodes", "2"]);
  assert.match(more.stderr, /the cluster left has --nodes 1, not 2; first: portolan down --name left/);

  writeFileSync(join(dir, "broken"), "clusters: [\n");
  const down = await portolan(["down", "--name", "right"], { KUBECONFIG: join(dir, "broken") });
  assert.equal(down.code, 1, "entries that may be left are told of");
  assert.deepEqual(
    leftovers("right").filter((l) => !/ptl\d/.test(l)),
    [],
    "and all else is gone",
  );
  const [again, gone] = await Promise.all([
    portolan(["up", "--name", "right"]),
    portolan(["down", "--name", "left"]),
  ]);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  assert.equal((await portolan(["down", "--name", "right"])).code, 0);
  assert.deepEqual([...leftovers("left", [dir]), ...leftovers("right", [dir])], []);
  assert.match(readFileSync(real, "utf8"), /^# mine/);
  assert.doesNotMatch(readFileSync(real, "utf8"), /portolan/);
});
