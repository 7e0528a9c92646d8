// Two address families on two nodes, and IPv6 alone on one: addresses of nodes and pods, Services by each of their addresses
// from everywhere, names, and that nothing is left behind.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";

const pod = (name: string, image: string, node: string, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name.replace(/-\d$/, "") } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image, imagePullPolicy: "IfNotPresent", ...container }],
  },
});
const fromStatus = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const sleeping = {
  command: ["sleep", "3600"],
  env: [fromStatus("POD_IPS", "status.podIPs"), fromStatus("HOST_IPS", "status.hostIPs")],
};
const serving = { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } };
const service = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
});

async function apply(cluster: TestCluster, items: object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const made = await cluster.kubectlWith({ input }, "apply", "-f", "-");
  assert.equal(made.code, 0, made.stderr);
  await cluster.ok("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s");
}

const curl = ["curl", "-sS", "-o", "/dev/null", "--max-time", "3"];
const url = (address: string, port: number | string = 80): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;

/** Every client gets the page at the URL; `host` is the machine itself. */
async function reached(cluster: TestCluster, clients: string[], at: string): Promise<void> {
  for (const client of clients)
    await eventually(`${client} reaches ${at}`, 10_000, async () => {
      const command = client === "host" ? curl : [client, "--", ...curl];
      const { code, stderr } =
        client === "host"
          ? await runCommand("curl", [...curl.slice(1), at])
          : await cluster.kubectl("exec", ...command, at);
      if (code !== 0) throw new Error(stderr);
      return true;
    });
}

const words = async (text: Promise<string>): Promise<string[]> =>
  (await text).trim().split(/\s+/).filter(Boolean);

const needsIPv6 = { skip: existsSync("/proc/sys/net/ipv6") ? false : "this kernel has no IPv6" };

describe("a dual-stack cluster of two nodes", needsIPv6, () => {
  let cluster: TestCluster;
  const clients = ["client-1", "client-2", "host"];
  const get = (...args: string[]) => words(cluster.ok("get", ...args));
  const clusterIPs = (name: string) => get("service", name, "-o", "jsonpath={.spec.clusterIPs[*]}");

  before(async () => {
    cluster = await startCluster("dual", "--nodes", "2", "--ip-family", "dual");
    await apply(cluster, [
      pod("web-1", "nginx", "node-1", serving),
      pod("web-2", "nginx", "node-2", serving),
      pod("client-1", "portolan.local/toolbox", "node-1", sleeping),
      pod("client-2", "portolan.local/toolbox", "node-2", sleeping),
      service("web", { type: "LoadBalancer", ipFamilyPolicy: "RequireDualStack" }),
      service("six", { ipFamilies: ["IPv6"], sessionAffinity: "ClientIP" }),
      service("bare", { clusterIP: "None", ipFamilyPolicy: "PreferDualStack" }),
    ]);
  });
  after(async () => {
    const { code, stdout, stderr } = await cluster.down();
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(leftovers("dual"), []);
  });

  test("nodes and pods have an address of each family, IPv4 first", async () => {
    const internal = 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address} {.spec.podCIDRs[*]}';
    const [four, six, ...podCIDRs] = await get("node", "node-2", "-o", internal);
    assert.match(four!, /^172\.30\.\d+\.3$/);
    assert.match(six!, /^fd00:172:30:.*:3$/);
    assert.match(podCIDRs[0]!, /^10\.\d+\.1\.0\/24$/);
    assert.match(podCIDRs[1]!, /^fd00:10:\w+:1::\/64$/);
    const ips = "jsonpath={.status.podIPs[*].ip} {.status.hostIPs[*].ip}";
    const [own4, own6, ...hosts] = await get("pod", "client-2", "-o", ips);
    assert.match(own4!, /^10\.\d+\.1\./);
    assert.match(own6!, /^fd00:10:\w+:1::/);
    assert.deepEqual(hosts, [four, six]);
    const told = await cluster.ok("exec", "client-2", "--", "sh", "-c", 'echo "$POD_IPS $HOST_IPS"');
    assert.equal(told.trim(), `${own4},${own6} ${four},${six}`);
    const hostsFile = await cluster.ok("exec", "client-2", "--", "cat", "/etc/hosts");
    assert.match(hostsFile, new RegExp(`^${own4}\tclient-2$[^]*^${own6}\tclient-2$`, "m"));
    const { stdout } = await cluster.portolan("status", "--name", "dual");
    assert.ok(stdout.includes(`${four}, ${six}   pods ${podCIDRs.join(", ")}   Ready`), stdout);
  });

  test("a Service answers pods of both nodes and the host on both of its addresses", async () => {
    const ips = await clusterIPs("web");
    assert.equal(ips.length, 2);
    assert.ok(!ips[0]!.includes(":") && ips[1]!.includes(":"), ips.join());
    for (const ip of ips) await reached(cluster, clients, url(ip));
  });

  test("a Service of IPv6 alone, with affinity", async () => {
    const [ip, ...more] = await clusterIPs("six");
    assert.ok(ip!.includes(":") && more.length === 0, ip);
    await reached(cluster, clients, url(ip!));
  });

  test("its node port answers on both addresses of every node", async () => {
    const [port] = await get("service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}");
    const addresses = await get(
      "node",
      "-o",
      'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}',
    );
    assert.equal(addresses.length, 4);
    for (const address of addresses) await reached(cluster, ["client-1", "host"], url(address, port!));
  });

  test("its load balancer has an address of each family", async () => {
    const ips = await eventually("two addresses", 5000, async () => {
      const found = await get("service", "web", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}");
      return found.length === 2 ? found : undefined;
    });
    for (const ip of ips) await reached(cluster, ["client-1", "host"], url(ip));
    const policy = (p: string) =>
      cluster.ok("patch", "service", "web", "-p", JSON.stringify({ spec: { externalTrafficPolicy: p } }));
    await policy("Local");
    const [port] = await get("service", "web", "-o", "jsonpath={.spec.healthCheckNodePort}");
    const [six] = await get("node", "node-1", "-o", "jsonpath={.status.addresses[1].address}");
    await reached(cluster, ["host"], url(six!, port!));
    for (const ip of ips) await reached(cluster, ["host"], url(ip));
    await policy("Cluster");
  });

  test("what leads nowhere is refused in both families", async () => {
    for (const at of ["192.0.2.1", "2001:db8::1"]) {
      const { code, stderr } = await cluster.kubectl("exec", "client-1", "--", ...curl, url(at));
      assert.equal(code, 7, `curl's word for a connection that was refused: ${stderr}`);
    }
  });

  test("names have records of both families, and addresses names", async () => {
    const dig = (...args: string[]) =>
      words(cluster.ok("exec", "client-1", "--", "dig", "+short", ...args)).then((w) => w.sort());
    const [four, six] = await clusterIPs("web");
    assert.deepEqual(await dig("A", "web.default.svc.cluster.local"), [four]);
    assert.deepEqual(await dig("AAAA", "web.default.svc.cluster.local"), [six]);
    for (const ip of [four, six]) assert.deepEqual(await dig("-x", ip!), ["web.default.svc.cluster.local."]);
    const ips = await get("pod", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIPs[*].ip}");
    const bySix = (ip: string): boolean => ip.includes(":");
    assert.deepEqual(await dig("AAAA", "bare.default.svc.cluster.local"), ips.filter(bySix).sort());
    const first = ips.find(bySix)!;
    const named = `${first.replaceAll(":", "-")}.bare.default.svc.cluster.local.`;
    assert.ok((await dig("-x", first)).includes(named));
  });
});

/** A network beyond the machine: the default route leads there, and a server there tells clients their address. */
async function openOutside(): Promise<() => Promise<void>> {
  const ip = async (command: string): Promise<void> => {
    const { code, stderr } = await runCommand("ip", command.split(" "));
    assert.equal(code, 0, `ip ${command}: ${stderr}`);
  };
  const netns = `portolan-test-outside-${process.pid}`;
  await ip(`netns add ${netns}`);
  await ip(`link add up0 type veth peer name out0 netns ${netns}`);
  for (const command of ["address add 2001:db8::1/64 dev up0 nodad", "link set up0 up"]) await ip(command);
  for (const command of ["address add 2001:db8::2/64 dev out0 nodad", "link set out0 up"])
    await ip(`-n ${netns} ${command}`);
  await ip("-6 route add default via 2001:db8::2");
  const script = `require("http").createServer((q, a) => a.end(q.socket.remoteAddress)).listen(80, "2001:db8::2")`;
  const server = spawn("nsenter", [`--net=/run/netns/${netns}`, process.execPath, "-e", script], {
    stdio: "ignore",
  });
  return async () => {
    server.kill("SIGKILL");
    await ip("link delete up0");
    await ip(`netns delete ${netns}`);
  };
}

describe("an IPv6 cluster", needsIPv6, () => {
  let cluster: TestCluster;
  let closeOutside = async (): Promise<void> => {};
  before(async () => {
    closeOutside = await openOutside();
    cluster = await startCluster("six", "--ip-family", "ipv6");
    await apply(cluster, [
      pod("web", "nginx", "node-1", {
        ...serving,
        livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
        ports: [{ containerPort: 80, hostPort: 8080 }],
      }),
      pod("client-1", "busybox", "node-1", sleeping),
      pod("client-2", "portolan.local/toolbox", "node-1", sleeping),
      service("web", {}),
    ]);
  });
  after(async () => {
    const { code, stdout, stderr } = await cluster.down();
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(leftovers("six"), []);
  });
  after(() => closeOutside());
  const inPodWith = (pod: string, ...command: string[]) => cluster.ok("exec", pod, "--", ...command);
  const inPod = (...command: string[]) => inPodWith("client-1", ...command);
  const page = (at: string) => inPod("wget", "-q", "-T", "3", "-O", "-", at);

  test("every address is IPv6: the API server's, the node's, the pod's, the Service's", async () => {
    assert.match(
      await cluster.ok("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"),
      /^https:\/\/\[::1\]:\d+$/,
    );
    const endpoint = await cluster.ok("get", "endpointslice", "kubernetes", "-o", "jsonpath={.addressType}");
    assert.equal(endpoint, "IPv6");
    assert.match(await inPod("sh", "-c", 'echo "$POD_IPS $HOST_IPS"'), /^fd00:10:\w+::\w+ fd00:172:30:\S+$/m);
    assert.match(await inPod("cat", "/etc/resolv.conf"), /^nameserver fd00:10:\w+::a$/m);
  });

  test("a Service is found by its name, by pods and by the host", async () => {
    assert.match(await page("http://web.default.svc.cluster.local/"), /nginx/);
    const ip = await cluster.ok("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
    await reached(cluster, ["host"], url(ip));
  });

  test("pods get out by the machine's address, and the machine goes on listening to its routers", async () => {
    const outside = ["curl", "-sS", "--max-time", "3", "http://[2001:db8::2]/"];
    assert.equal(await inPodWith("client-2", ...outside), "2001:db8::1");
    const setting = (name: string) => readFileSync(`/proc/sys/net/ipv6/conf/${name}`, "utf8").trim();
    assert.equal(setting("all/forwarding"), "1");
    assert.equal(setting("up0/accept_ra"), "2");
    assert.equal(setting("default/accept_ra"), "1", "links of others, later on");
  });

  test("the API server answers in a pod, and reaches pods; host ports and logs are there", async () => {
    const ca = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
    const ip = await cluster.ok("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}");
    for (const host of ["kubernetes.default.svc", `[${ip}]`]) {
      const ask = ["curl", "-sS", "--cacert", ca, "--max-time", "3", `https://${host}/version`];
      assert.match(await cluster.ok("exec", "client-2", "--", ...ask), /gitVersion/);
    }
    assert.match(await cluster.ok("get", "--raw", "/api/v1/namespaces/default/pods/web/proxy/"), /nginx/);
    assert.match(await cluster.ok("get", "--raw", "/api/v1/namespaces/default/services/web/proxy/"), /nginx/);
    const node = await cluster.ok("get", "node", "node-1", "-o", "jsonpath={.status.addresses[0].address}");
    await reached(cluster, ["host"], url(node, 8080));
    await eventually(
      "a line of the host's in the log",
      5000,
      async () => (await cluster.ok("logs", "web")).includes("GET / HTTP/1.1") || undefined,
    );
  });
});
