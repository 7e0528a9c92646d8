// exec, attach, port-forward, logs, cp and proxies by real kubectl and raw WebSockets against real containers, over both
// transports that kubectl has.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { after, before, test } from "node:test";
import type { V1Status } from "@kubernetes/client-node";
import WebSocket from "ws";
import { parse } from "yaml";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";
import { k8s } from "../support/official-client.ts";

let cluster: TestCluster;
const background = new Set<ChildProcess>();
const kubectl = process.env.KUBECTL ?? "kubectl";

before(async () => {
  cluster = await startCluster("tunnels");
  await cluster.ok("run", "web", "--image=nginx", "--restart=Never", "--port=80", "--expose");
  await cluster.ok(
    "run",
    "box",
    "--image=busybox",
    "--restart=Never",
    "--",
    "sh",
    "-c",
    "echo started; sleep 3600",
  );
  await cluster.ok("wait", "--for=condition=Ready", "pod/web", "pod/box", "--timeout=60s");
});
after(async () => {
  for (const child of background) child.kill("SIGTERM");
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

const transports = [
  {
    name: "WebSocket",
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true", KUBECTL_PORT_FORWARD_WEBSOCKETS: "true" },
  },
  {
    name: "SPDY",
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" },
  },
];
const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Starts a port-forward and resolves with the local port. */
async function forward(
  env: NodeJS.ProcessEnv,
  what: string,
  port: number,
): Promise<{ port: number; stop(): void }> {
  const child = spawn(kubectl, ["port-forward", what, `:${port}`], { env: { ...cluster.env, ...env } });
  background.add(child);
  let out = "";
  child.stdout.on("data", (d) => {
    out += d;
  });
  child.stderr.on("data", (d) => {
    out += d;
  });
  const local = await eventually(
    `port-forward of ${what} says its port; it said ${out}`,
    15_000,
    async () => {
      const m = /127\.0\.0\.1:(\d+) ->/.exec(out);
      return m ? Number(m[1]) : undefined;
    },
  );
  const stop = (): void => {
    background.delete(child);
    child.kill("SIGTERM");
  };
  return { port: local, stop };
}

function get(port: number, path = "/"): Promise<{ code: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port, path, agent: false, timeout: 20_000 }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (d) => chunks.push(d));
      res.on("end", () => resolve({ code: res.statusCode!, body: Buffer.concat(chunks) }));
      res.on("error", reject);
    });
    req.on("error", reject);
    req.on("timeout", () => req.destroy(new Error("no answer")));
    req.end();
  });
}

for (const { name, env } of transports) {
  const run = (input: string | undefined, ...args: string[]) =>
    cluster.kubectlWith({ env, ...(input === undefined ? {} : { input }), timeoutMs: 60_000 }, ...args);

  test(`${name}: exec tells its streams apart and its exit code on`, async () => {
    const { code, stdout, stderr } = await run(
      undefined,
      "exec",
      "box",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 7",
    );
    assert.deepEqual([code, stdout], [7, "out\n"]);
    assert.equal(stderr, "err\ncommand terminated with exit code 7\n");
  });

  test(`${name}: the end of stdin reaches the command`, async () => {
    const { code, stdout } = await run("hi\n", "exec", "-i", "box", "--", "cat");
    assert.deepEqual([code, stdout], [0, "hi\n"]);
  });

  test(`${name}: a command that ends without reading its stdin ends its client, with its exit code`, async () => {
    const cases = [
      { script: "exit 3", code: 3, out: "" },
      { script: "head -c 10 >/dev/null; echo ten; exit 4", code: 4, out: "ten\n" },
      { script: "exec <&-; sleep 0.3; echo late", code: 0, out: "late\n" },
      { script: "sleep 60 >/dev/null 2>&1 & exit 5", code: 5, out: "" },
    ];
    for (const { script, code, out } of cases) {
      const piped = `head -c 50000000 /dev/zero 2>/dev/null | ${kubectl} exec -i box -- sh -c '${script}'`;
      const done = await runCommand("sh", ["-c", piped], {
        env: { ...cluster.env, ...env },
        timeoutMs: 30_000,
      });
      assert.deepEqual([done.code, done.stdout], [code, out], `${script}: ${done.stderr}`);
    }
  });

  test(`${name}: a slow reader gets all output of a command that ends without reading its stdin`, async () => {
    // What the connections hold differs, so several sizes: for some of them the last of it is still in containerd's kernel.
    const outputs = [8_000_000, 11_000_000, 14_000_000, 18_000_000].map(async (size) => {
      const exec = `${kubectl} exec -i box -- sh -c 'head -c ${size} /dev/zero; exit 6'`;
      const piped = `head -c 50000000 /dev/zero 2>/dev/null | ${exec}; echo "code $?" >&2`;
      const done = await runCommand("sh", ["-c", `{ ${piped}; } | (sleep 2.5; wc -c)`], {
        env: { ...cluster.env, ...env },
        timeoutMs: 30_000,
      });
      assert.equal(done.stdout.trim(), `${size}`, done.stderr);
      assert.match(done.stderr, /code 6\n$/);
    });
    await Promise.all(outputs);
  });

  test(`${name}: twenty commands at once`, async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        run(`${i}\n`, "exec", "-i", "box", "--", "sh", "-c", `cat; exit ${i}`),
      ),
    );
    assert.deepEqual(
      all.map(({ code, stdout }) => [code, stdout]),
      all.map((_, i) => [i, `${i}\n`]),
    );
  });

  test(`${name}: what cannot be executed is said`, async () => {
    const missing = await run(undefined, "exec", "box", "--", "nosuch");
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /exec: "nosuch": executable file not found in \$PATH/);
    const container = await run(undefined, "exec", "box", "-c", "nope", "--", "ls");
    assert.equal(
      container.stderr,
      "Error from server (BadRequest): container nope is not valid for pod box\n",
    );
    const pod = await run(undefined, "exec", "nix", "--", "ls");
    assert.equal(pod.stderr, 'Error from server (NotFound): pods "nix" not found\n');
  });

  test(`${name}: a long command`, async () => {
    const { code, stdout } = await run(
      undefined,
      "exec",
      "box",
      "--",
      "sh",
      "-c",
      `echo ${"x".repeat(100_000)} | wc -c`,
    );
    assert.deepEqual([code, stdout], [0, "100001\n"]);
  });

  test(`${name}: a terminal`, async () => {
    const command = `stty rows 33 cols 101; ${kubectl} exec -it box -- sh -c 'sleep 0.3; tty; stty size'`;
    const { stdout } = await runCommand("script", ["-qec", command, "/dev/null"], {
      env: { ...cluster.env, ...env },
      timeoutMs: 20_000,
    });
    assert.match(stdout, /\/dev\/pts\/0\r\n33 101\r\n/);
  });

  test(`${name}: 50 MB by cp, both ways`, async () => {
    const data = randomBytes(50_000_000);
    const dir = cluster.env.HOME!;
    writeFileSync(join(dir, "sent"), data);
    assert.equal((await run(undefined, "cp", join(dir, "sent"), "box:/tmp/sent")).code, 0);
    const sum = await run(undefined, "exec", "box", "--", "sha256sum", "/tmp/sent");
    assert.equal(sum.stdout.split(" ")[0], sha256(data));
    assert.equal((await run(undefined, "cp", "box:/tmp/sent", join(dir, "back"))).code, 0);
    assert.equal(sha256(readFileSync(join(dir, "back"))), sha256(data));
  });

  test(`${name}: port-forward to a pod and a service, 40 connections at once`, async () => {
    for (const what of ["pod/web", "service/web"]) {
      const { port, stop } = await forward(env, what, 80);
      const answers = await Promise.all(Array.from({ length: 40 }, () => get(port)));
      assert.deepEqual([...new Set(answers.map((a) => `${a.code} ${a.body.length > 100}`))], ["200 true"]);
      stop();
    }
  });

  test(`${name}: run -i attaches, and run exits as its container did`, async () => {
    const flags = ["--rm", "-i", "--image=busybox", "--restart=Never", "--"];
    const echo = await run("from stdin\n", "run", "once", ...flags, "sh", "-c", "cat; sleep 0.5");
    assert.equal(echo.code, 0, echo.stderr);
    assert.match(echo.stdout, /from stdin/);
    assert.equal((await run("", "run", "fail", ...flags, "sh", "-c", "sleep 1; exit 4")).code, 4);
  });

  test(`${name}: clients that are killed leave nothing running`, async () => {
    const running = async (): Promise<number> => {
      const { stdout } = await run(undefined, "exec", "box", "--", "ps");
      return stdout.split("\n").filter((line) => line.endsWith(" cat")).length;
    };
    const children = Array.from({ length: 4 }, () =>
      spawn(kubectl, ["exec", "-i", "box", "--", "cat"], { env: { ...cluster.env, ...env } }),
    );
    await eventually("four commands run", 10_000, async () => ((await running()) === 4 ? true : undefined));
    for (const child of children) child.kill("SIGKILL");
    await eventually("their commands end", 10_000, async () => ((await running()) === 0 ? true : undefined));
  });
}

test("a forwarded port that refuses says so", async () => {
  const child = spawn(kubectl, ["port-forward", "pod/web", ":81"], { env: cluster.env });
  let out = "";
  child.stdout.on("data", (d) => {
    out += d;
  });
  child.stderr.on("data", (d) => {
    out += d;
  });
  background.add(child);
  const port = await eventually("its port", 10_000, async () => {
    const m = /127\.0\.0\.1:(\d+) ->/.exec(out);
    return m ? Number(m[1]) : undefined;
  });
  await assert.rejects(get(port));
  await eventually("the refusal", 10_000, async () => (/connection refused/.test(out) ? true : undefined));
  child.kill("SIGTERM");
});

test("logs: follow to the end, tail, since, previous", async () => {
  const script = "for i in 1 2 3; do echo line $i; sleep 0.5; done";
  await cluster.ok("run", "ends", "--image=busybox", "--restart=Never", "--", "sh", "-c", script);
  await cluster.ok("wait", "--for=condition=Ready", "pod/ends", "--timeout=30s");
  const followed = await cluster.kubectlWith({ timeoutMs: 15_000 }, "logs", "-f", "ends");
  assert.deepEqual([followed.code, followed.stdout], [0, "line 1\nline 2\nline 3\n"]);
  assert.equal(await cluster.ok("logs", "ends", "--tail=1"), "line 3\n");
  assert.equal(await cluster.ok("logs", "ends", "--limit-bytes=8"), "line 1\nl");
  assert.match(
    await cluster.ok("logs", "ends", "--tail=1", "--timestamps"),
    /^20\d\d-.*T.*\.\d{9}Z line 3\n$/,
  );
  assert.equal(await cluster.ok("logs", "ends", "--since-time=2099-01-01T00:00:00Z"), "");
  const previous = await cluster.kubectl("logs", "ends", "-p");
  assert.equal(
    previous.stderr,
    'Error from server (BadRequest): previous terminated container "ends" in pod "ends" not found\n',
  );
});

test("proxies of pod, service and node", async () => {
  const raw = (path: string) => cluster.ok("get", "--raw", `/api/v1/${path}`);
  assert.match(await raw("namespaces/default/pods/web:80/proxy/"), /nginx/);
  assert.match(await raw("namespaces/default/services/http:web:80/proxy/"), /nginx/);
  assert.equal(await raw("nodes/node-1/proxy/healthz"), "ok");
  const none = await cluster.kubectl("get", "--raw", "/api/v1/namespaces/default/services/web:named/proxy/");
  assert.match(none.stderr, /no endpoints available for service "web:named"/);
});

/** A WebSocket to the API server as the kubeconfig's user. */
function connect(path: string, protocol: string): WebSocket {
  const config = parse(readFileSync(cluster.env.KUBECONFIG!, "utf8"));
  const data = (text: string): Buffer => Buffer.from(text, "base64");
  const { server, "certificate-authority-data": ca } = config.clusters[0].cluster;
  const user = config.users[0].user;
  return new WebSocket(
    `${server.replace("https:", "wss:")}/api/v1/namespaces/default/pods/${path}`,
    [protocol],
    {
      ca: data(ca),
      cert: data(user["client-certificate-data"]),
      key: data(user["client-key-data"]),
    },
  );
}

test("raw WebSockets as the conformance suite opens them: exec, log, port-forward", async () => {
  const exec = connect("box/exec?command=echo&command=remote&stdout=1&stderr=1", "channel.k8s.io");
  let out = "";
  exec.on("message", (d: Buffer) => {
    if (d.length > 1) assert.equal(d[0], 1);
    out += d.subarray(1);
  });
  await once(exec, "close");
  assert.equal(out, "remote\n");

  const log = connect("box/log", "binary.k8s.io");
  let text = "";
  log.on("message", (d) => {
    text += d;
  });
  await once(log, "close");
  assert.equal(text, "started\n");

  const port = connect("web/portforward?ports=80", "v4.channel.k8s.io");
  const got: Buffer[][] = [[], []];
  port.on("message", (d: Buffer) => got[d[0]!]?.push(d.subarray(1)));
  await once(port, "open");
  await eventually("both channels name their port", 5000, async () =>
    got.every((channel) => channel[0]?.readUInt16LE(0) === 80) ? true : undefined,
  );
  port.send(Buffer.concat([Buffer.of(0), Buffer.from("GET / HTTP/1.0\r\n\r\n")]));
  await eventually("the page", 5000, async () =>
    Buffer.concat(got[0]!.slice(1)).includes("nginx") ? true : undefined,
  );
  port.terminate();
});

test("the official JavaScript client: exec, attach, port-forward", async () => {
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.env.KUBECONFIG!);
  const collect = (): { sink: Writable; text(): string } => {
    let all = "";
    const sink = new Writable({
      write(chunk, _, done) {
        all += chunk;
        done();
      },
    });
    return { sink, text: () => all };
  };

  const out = collect();
  const err = collect();
  const command = ["sh", "-c", "cat; echo bad >&2; exit 5"];
  const status = await new Promise<V1Status>((resolve, reject) => {
    const stdin = Readable.from(["hello"]);
    new k8s.Exec(config)
      .exec("default", "box", "box", command, out.sink, err.sink, stdin, false, resolve)
      .catch(reject);
  });
  assert.deepEqual([out.text(), err.text()], ["hello", "bad\n"]);
  assert.deepEqual(status.details?.causes, [{ reason: "ExitCode", message: "5" }]);

  await cluster.ok(
    "run",
    "talker",
    "--image=busybox",
    "--restart=Never",
    "-i",
    "--attach=false",
    "--",
    "sh",
    "-c",
    "while read x; do echo got $x; done",
  );
  await cluster.ok("wait", "--for=condition=Ready", "pod/talker", "--timeout=30s");
  const heard = collect();
  const words = new PassThrough();
  const attached = await new k8s.Attach(config).attach(
    "default",
    "talker",
    "talker",
    heard.sink,
    heard.sink,
    words,
    false,
  );
  words.write("one\n");
  await eventually("the answer", 5000, async () => (heard.text() === "got one\n" ? true : undefined));
  (attached as unknown as WebSocket).terminate();

  const page = collect();
  const ask = new PassThrough();
  const forwarded = await new k8s.PortForward(config).portForward(
    "default",
    "web",
    [80],
    page.sink,
    null,
    ask,
  );
  ask.write("GET / HTTP/1.0\r\n\r\n");
  await eventually("the page", 5000, async () => (page.text().includes("nginx") ? true : undefined));
  (forwarded as unknown as WebSocket).terminate();
});
