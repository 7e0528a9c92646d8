// A first session, as a user types it: run, expose, scale, exec, logs, port-forward, proxy, patch, delete.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;
const background: ChildProcess[] = [];

before(async () => {
  cluster = await startCluster("session");
});
after(async () => {
  for (const child of background) child.kill("SIGTERM");
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

/** Starts kubectl and waits for a line of its output. */
async function startKubectl(line: RegExp, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.env.KUBECTL ?? "kubectl", args, {
    env: cluster.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  background.push(child);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (d: string) => {
    out += d;
  });
  child.stderr.setEncoding("utf8").on("data", (d: string) => {
    out += d;
  });
  await eventually(`${args.join(" ")} says ${line}; it said ${out}`, 15_000, async () =>
    line.test(out) ? true : undefined,
  );
  return child;
}

const curl = (...args: string[]) => runCommand("curl", ["-sS", "--max-time", "5", ...args]);
const clusterIP = (service: string) =>
  cluster.ok("get", "service", service, "-o", "jsonpath={.spec.clusterIP}");

test("up says how to talk to the cluster, status names every process", async () => {
  assert.match(cluster.upOutput, /Ready after .* kubectl --context portolan-session get nodes/);
  const status = JSON.parse((await cluster.portolan("status", "--name", "session", "-o", "json")).stdout);
  assert.equal(status.state, "Running");
  const roles = status.processes.map((p: { role: string }) => p.role);
  for (const role of ["server", "node-1/containerd", "node-1/node"])
    assert.ok(roles.includes(role), `${role} in ${roles}`);
});

test("kubectl run --expose makes a pod and a Service that answers in the kernel", async () => {
  const out = await cluster.ok("run", "nginx", "--image=nginx", "--restart=Never", "--port=80", "--expose");
  assert.equal(out, "service/nginx created\npod/nginx created\n");
  await cluster.ok("wait", "--for=condition=Ready", "pod/nginx", "--timeout=30s");
  const table = await cluster.ok("get", "pod,service");
  assert.match(table, /NAME +READY +STATUS +RESTARTS +AGE\npod\/nginx +1\/1 +Running +0 +\d+s/);
  assert.match(table, /service\/nginx +ClusterIP +10\.96\.\d+\.\d+ +<none> +80\/TCP +\d+s/);
  const ip = await clusterIP("nginx");
  const page = await eventually("the host reaches the ClusterIP", 5000, async () => {
    const r = await curl(`http://${ip}`);
    return r.code === 0 ? r.stdout : undefined;
  });
  assert.match(page, /Welcome to nginx!/);
});

test("a busybox pod reaches it by address and by name", async () => {
  const ip = await clusterIP("nginx");
  const script = `wget -qO- ${ip}:80 | grep -c Welcome; wget -qO- nginx | grep -c Welcome; nslookup nginx.default.svc.cluster.local.; exit\n`;
  const r = await cluster.kubectlWith(
    { input: script },
    "run",
    "busybox",
    "--image=busybox",
    "--restart=Never",
    "-i",
    "--rm",
    "--",
    "/bin/sh",
  );
  assert.equal(r.code, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /^[1-9]\d*\n[1-9]\d*\n/m, r.stdout + r.stderr);
  assert.match(r.stdout, new RegExp(`Address[^\\n]*: *${ip.replaceAll(".", "\\.")}`), r.stdout);
  assert.match(r.stdout, /pod "busybox" deleted/);
});

test("a Deployment is exposed, scaled and described", async () => {
  await cluster.ok("create", "deployment", "alpaca-prod", "--image=nginx", "--replicas=3", "--port=80");
  await cluster.ok("expose", "deployment", "alpaca-prod");
  await cluster.ok("rollout", "status", "deployment/alpaca-prod", "--timeout=60s");
  await cluster.ok("scale", "deployment", "alpaca-prod", "--replicas=5");
  await cluster.ok("rollout", "status", "deployment/alpaca-prod", "--timeout=60s");
  const text = await eventually("five endpoints", 10_000, async () => {
    const out = await cluster.ok("describe", "endpoints", "alpaca-prod");
    return /Addresses: +(10\.244\.\d+\.\d+,?){5}\n/.test(out) ? out : undefined;
  });
  assert.match(text, /NotReadyAddresses: +<none>/);
  assert.match(text, /<unset> +80 +TCP/);
});

test("kubectl exec curls the Service from a pod", async () => {
  const ip = await clusterIP("alpaca-prod");
  const pod = await cluster.ok(
    "get",
    "pods",
    "-l",
    "app=alpaca-prod",
    "-o",
    "jsonpath={.items[0].metadata.name}",
  );
  assert.match(await cluster.ok("exec", pod, "--", "curl", "-s", `http://${ip}`), /Welcome to nginx!/);
  const failed = await cluster.kubectl("exec", pod, "--", "sh", "-c", "exit 7");
  assert.equal(failed.code, 7);
  assert.match(failed.stderr, /command terminated with exit code 7/);
  assert.match(await cluster.ok("logs", "-l", "app=alpaca-prod", "--tail=-1"), /"GET \/ HTTP\/1\.1" 200/);
});

for (const target of ["deployment/alpaca-prod", "pod/nginx", "service/alpaca-prod"])
  test(`kubectl port-forward ${target}`, async () => {
    const child = await startKubectl(
      /Forwarding from 127\.0\.0\.1:48858/,
      "port-forward",
      target,
      "48858:80",
    );
    const r = await curl("http://localhost:48858");
    assert.match(r.stdout, /Welcome to nginx!/, r.stderr);
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("close", resolve));
  });

test("kubectl proxy reaches a Service through the API server", async () => {
  await startKubectl(/Starting to serve/, "proxy", "--port=9999");
  const r = await curl("-L", "localhost:9999/api/v1/namespaces/default/services/nginx/proxy");
  assert.match(r.stdout, /Welcome to nginx!/, r.stdout + r.stderr);
});

test("a Service becomes a NodePort and answers on the node's address", async () => {
  assert.equal(
    await cluster.ok("patch", "service", "nginx", "-p", '{ "spec": {"type": "NodePort"} }'),
    "service/nginx patched\n",
  );
  const port = await cluster.ok("get", "service", "nginx", "-o", "jsonpath={.spec.ports[0].nodePort}");
  assert.ok(Number(port) >= 30000 && Number(port) <= 32767, port);
  const description = await cluster.ok("describe", "node", "node-1");
  const ip = /InternalIP: +(\S+)/.exec(description)?.[1];
  assert.ok(ip, description);
  const page = await eventually("the node port answers", 5000, async () => {
    const r = await curl(`http://${ip}:${port}`);
    return r.code === 0 ? r.stdout : undefined;
  });
  assert.match(page, /Welcome to nginx!/);
});

test("what is deleted is gone, its Service refuses at once", async () => {
  await cluster.ok("delete", "pod", "nginx", "--grace-period=1");
  const ip = await clusterIP("nginx");
  const r = await eventually("connection refused", 5000, async () => {
    const answer = await curl(`http://${ip}`);
    return answer.code === 7 ? answer : undefined;
  });
  assert.match(r.stderr, /Connection refused|Failed to connect/);
  await cluster.ok("delete", "service,deployment", "--all", "--wait=true");
  await eventually("no pod is left", 40_000, async () => {
    const r = await cluster.kubectl("get", "pods");
    return /No resources found in default namespace/.test(r.stderr) ? true : undefined;
  });
  await eventually("the API server's own Service is back", 15_000, async () =>
    /^kubernetes +ClusterIP/m.test(await cluster.ok("get", "service")) ? true : undefined,
  );
});
