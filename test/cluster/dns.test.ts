// Names as pods see them: real resolvers in real containers ask the cluster's DNS; offline images stand in for pulls.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;

const pod = (name: string, image: string, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name.replace(/-\d$/, "") } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image, imagePullPolicy: "IfNotPresent", ...container }],
    ...spec,
  },
});
const sleeping = { command: ["sleep", "3600"] };
const service = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec,
});
const http = { ports: [{ name: "http", port: 80 }] };
const ready = { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } };

const objects = [
  pod("toolbox", "portolan.local/toolbox", {}, sleeping),
  pod("busybox", "busybox:1.36", {}, sleeping),
  pod("plain", "busybox", { dnsPolicy: "Default" }, sleeping),
  pod(
    "own",
    "busybox",
    {
      dnsPolicy: "None",
      dnsConfig: {
        nameservers: ["10.96.0.10"],
        searches: ["svc.cluster.local"],
        options: [{ name: "ndots", value: "2" }],
      },
    },
    sleeping,
  ),
  pod("web", "nginx:1.25-alpine", {}, ready),
  pod("peer-1", "nginx", { hostname: "one", subdomain: "peers" }, ready),
  pod("peer-2", "nginx", { hostname: "two", subdomain: "peers" }, ready),
  service("web", { selector: { app: "web" }, ...http }),
  service("peers", { clusterIP: "None", selector: { app: "peer" }, ...http }),
  service("elsewhere", { type: "ExternalName", externalName: "www.example.com" }),
];

before(async () => {
  cluster = await startCluster("dns");
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const made = await cluster.kubectlWith({ input }, "apply", "-f", "-");
  assert.equal(made.code, 0, made.stderr);
  await cluster.ok("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

const sh = async (name: string, script: string): Promise<string> =>
  (await cluster.ok("exec", name, "--", "sh", "-c", script)).trim();
const dig = async (...args: string[]): Promise<string[]> =>
  (await sh("toolbox", `dig +short ${args.join(" ")}`)).split("\n").filter(Boolean).sort();
const get = (what: string, name: string, path: string): Promise<string> =>
  cluster.ok("get", what, name, "-o", `jsonpath={${path}}`);

test("a Service answers by its short name and by its full one, to glibc, busybox and dig", async () => {
  const ip = await get("service", "web", ".spec.clusterIP");
  assert.match(await sh("busybox", "wget -qO- -T 5 web"), /Welcome to nginx!/);
  assert.match(await sh("toolbox", "curl -s -m 5 http://web.default"), /Welcome to nginx!/);
  assert.match(
    await sh("busybox", "nslookup web.default.svc.cluster.local."),
    new RegExp(`Address: ${ip}$`, "m"),
  );
  assert.match(await sh("busybox", "nslookup web.default.svc.cluster.local."), /^Server:\s+10\.96\.0\.10$/m);
  assert.deepEqual(await dig("+search", "web"), [ip]);
  assert.deepEqual(await dig("+tcp", "web.default.svc.cluster.local"), [ip]);
  assert.deepEqual(await dig("-x", ip), ["web.default.svc.cluster.local."]);
  assert.deepEqual(await dig("_http._tcp.web.default.svc.cluster.local", "SRV"), [
    "0 100 80 web.default.svc.cluster.local.",
  ]);
});

test("a headless Service answers with its pods, each by its hostname too", async () => {
  const [one, two] = [
    await get("pod", "peer-1", ".status.podIP"),
    await get("pod", "peer-2", ".status.podIP"),
  ];
  assert.deepEqual(await dig("peers.default.svc.cluster.local"), [one, two].sort());
  assert.deepEqual(await dig("one.peers.default.svc.cluster.local"), [one]);
  assert.deepEqual(await dig("-x", two), ["two.peers.default.svc.cluster.local."]);
  assert.deepEqual(await dig("_http._tcp.peers.default.svc.cluster.local", "SRV"), [
    "0 50 80 one.peers.default.svc.cluster.local.",
    "0 50 80 two.peers.default.svc.cluster.local.",
  ]);
  assert.match(await sh("peer-1", "hostname -f"), /^one\.peers\.default\.svc\.cluster\.local$/);
});

test("an ExternalName is a CNAME; a name that is not there is not there", async () => {
  assert.deepEqual(await dig("elsewhere.default.svc.cluster.local", "CNAME"), ["www.example.com."]);
  assert.match(await sh("toolbox", "dig none.default.svc.cluster.local"), /status: NXDOMAIN/);
  assert.match(await sh("toolbox", "dig +time=5 +tries=1 www.example.com"), /status: SERVFAIL/);
});

test("a pod that stops being ready leaves the answers", async () => {
  const two = await get("pod", "peer-2", ".status.podIP");
  await cluster.ok("delete", "pod", "peer-1", "--wait=false");
  await eventually("only the second peer is left", 5000, async () =>
    (await dig("peers.default.svc.cluster.local")).join() === two ? true : undefined,
  );
});

test("every dnsPolicy has its resolv.conf", async () => {
  assert.equal(
    await sh("busybox", "cat /etc/resolv.conf"),
    "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5",
  );
  assert.equal(
    await sh("own", "cat /etc/resolv.conf"),
    "search svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:2",
  );
  assert.doesNotMatch(await sh("plain", "cat /etc/resolv.conf"), /10\.96\.0\.10|cluster\.local/);
  assert.match(await sh("own", "wget -qO- -T 5 web.default"), /Welcome to nginx!/);
});

test("another tag of an image is stood in for, and an event says so", async () => {
  const events = await cluster.ok(
    "get",
    "events",
    "--field-selector",
    "involvedObject.name=web,reason=Pulled",
  );
  assert.match(events, /"docker\.io\/library\/nginx:latest" used in place of "nginx:1\.25-alpine"/);
});

test("a node process that is killed delays lookups and fails none", async () => {
  const status = JSON.parse((await cluster.portolan("status", "--name", "dns", "-o", "json")).stdout);
  const { pid } = status.processes.find((p: { role: string }) => p.role === "node-1/node");
  // In the background: an exec's stream goes through the process that is killed.
  await cluster.ok(
    "exec",
    "toolbox",
    "--",
    "sh",
    "-c",
    "(for i in $(seq 40); do getent hosts web.default.svc.cluster.local >/dev/null || echo lookup $i failed; sleep 0.1; done; echo end) >/tmp/seen 2>&1 &",
  );
  await new Promise((r) => setTimeout(r, 1000));
  process.kill(pid, "SIGKILL");
  const seen = await eventually("the lookups end", 30_000, async () => {
    const r = await cluster.kubectl("exec", "toolbox", "--", "cat", "/tmp/seen");
    return r.stdout.includes("end") ? r.stdout : undefined;
  });
  assert.equal(seen, "end\n");
});
