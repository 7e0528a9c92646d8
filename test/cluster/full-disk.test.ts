// The disk that holds a cluster's state is full for a while: writes are refused in words, reads go on, the logs do not
// storm, and with room everything is as before.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bin, environment, eventually, runCommand } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";

const name = "full";
const dir = mkdtempSync("/tmp/portolan-full-");
const state = join(dir, "state");
const env = environment(dir);
const portolan = (...args: string[]) => runCommand(bin, args, { env, timeoutMs: 120_000 });
const kubectl = (...args: string[]) => runCommand(process.env.KUBECTL ?? "kubectl", args, { env });

async function serverPid(): Promise<number> {
  const status = await portolan("status", "--name", name, "-o", "json");
  const found = JSON.parse(status.stdout).processes.find((p: { role: string }) => p.role === "server");
  assert.ok(found, status.stdout);
  return found.pid;
}

before(async () => {
  mkdirSync(state);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=480m", "tmpfs", state]);
  const up = await portolan("up", "--name", name);
  assert.equal(up.code, 0, up.stdout + up.stderr);
});
after(async () => {
  const down = await portolan("down", "--name", name);
  execFileSync("umount", ["--lazy", state]);
  rmSync(dir, { recursive: true, force: true });
  assert.equal(down.code, 0, down.stdout + down.stderr);
  assert.deepEqual(leftovers(name), []);
});

test("a full disk fails the write, never the data; the server answers again", async () => {
  const made = await kubectl("create", "configmap", "before", "--from-literal=a=b");
  assert.equal(made.code, 0, made.stderr);
  const pid = await serverPid();
  const filler = join(state, "filler");
  await runCommand("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"]);
  await runCommand("dd", ["if=/dev/zero", `of=${filler}-rest`, "bs=1k"]);
  const big = `--from-literal=a=${"x".repeat(100_000)}`;
  await eventually("the store is full", 15_000, async () => {
    const refused = await kubectl("create", "configmap", `filling-${Date.now()}`, big);
    return refused.code === 1 ? true : undefined;
  });
  for (let i = 0; i < 5; i++) {
    const refused = await kubectl("create", "configmap", "during", big);
    assert.equal(refused.code, 1, "nothing is acknowledged");
    assert.match(refused.stderr, /the write could not be stored: .*no space left/i);
    assert.equal((await kubectl("get", "configmap", "before")).code, 0, "reads go on");
  }
  assert.equal((await kubectl("get", "configmap", "during")).code, 1, "what was refused is not there");
  rmSync(filler);
  rmSync(`${filler}-rest`);
  const taken = await kubectl("create", "configmap", "after", big);
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(await serverPid(), pid, "the server did not live on");
  const run = await kubectl("run", "web", "--image=nginx");
  assert.equal(run.code, 0, run.stderr);
  const ready = await kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=30s");
  assert.equal(ready.code, 0, ready.stderr);
  const log = statSync(join(state, "clusters", name, "logs/server.log")).size;
  assert.ok(log < 1 << 20, `${log} bytes of log`);
});
