// What a container is given: references, environment, DNS, hosts file, resources, volumes' content.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap, Container, Pod, Secret, Service, Volume } from "../../../core/api/types.ts";
import { goDuration } from "../go-duration.ts";
import { logText } from "../pod/cache.ts";
import { parseImageName } from "../runtime/image-name.ts";
import { cpuQuota, cpuShares, oomScoreAdj } from "../runtime/resources.ts";
import { containerSecurity } from "../runtime/security.ts";
import { ContainerConfigError, containerEnvironment } from "./environment.ts";
import { expandReferences } from "./expand.ts";
import { parseResolvConf, podHostname, podResolvConf, renderHostsFile } from "./pod-dns.ts";
import { serviceVariables } from "./service-env.ts";
import { VolumeError, volumeContent } from "./volume-content.ts";

const pod = (spec: object = {}, metadata: object = {}): Pod =>
  ({
    metadata: { name: "p", namespace: "ns", uid: "u", ...metadata },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
  }) as unknown as Pod;

test("references expand as Kubernetes' do", () => {
  const lookup = (name: string): string | undefined => ({ A: "1", B: "$(A)" })[name];
  const rows: [string, string][] = [
    ["$(A)", "1"],
    ["$$(A)", "$(A)"],
    ["$(NO)", "$(NO)"],
    ["x$(A)y$(B)", "x1y$(A)"],
    ["$A", "$A"],
    ["$(A", "$(A"],
    ["cost: 5$", "cost: 5$"],
    ["$$$(A)", "$1"],
  ];
  for (const [text, expected] of rows) assert.equal(expandReferences(text, lookup), expected, text);
});

const facts = {
  serviceVariables: [["SVC_SERVICE_HOST", "10.96.0.9"]] as [string, string][],
  addresses: { podIPs: ["10.0.0.2"], hostIPs: ["172.30.0.2"], nodeName: "n1" },
  allocatable: { milliCpu: 2000, memoryBytes: 1 << 30, storageBytes: 0 },
};

function environment(
  container: object,
  objects: { cm?: object; secret?: object } = {},
): Record<string, string> {
  const result = containerEnvironment({
    pod: pod({}, { labels: { l: "v" } }),
    container: { name: "c", ...container } as Container,
    objects: {
      configMaps: new Map([["cm", (objects.cm ?? null) as ConfigMap | null]]),
      secrets: new Map([["s", (objects.secret ?? null) as Secret | null]]),
    },
    ...facts,
  });
  return Object.fromEntries([...result.variables].map(([k, v]) => [k, v.toString()]));
}

test("env takes literals, references, fields, resources, keys; later ones see earlier ones", () => {
  const env = [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)/$(SVC_SERVICE_HOST)/$(C)" },
    { name: "C", value: "late" },
    { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    { name: "L", valueFrom: { fieldRef: { fieldPath: "metadata.labels['l']" } } },
    { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    { name: "K", valueFrom: { configMapKeyRef: { name: "cm", key: "k" } } },
    { name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
    { name: "NO", valueFrom: { secretKeyRef: { name: "s", key: "no", optional: true } } },
  ];
  assert.deepEqual(environment({ env }, { cm: { data: { k: "v" } }, secret: { data: { k: "cHc=" } } }), {
    A: "1",
    B: "1/10.96.0.9/$(C)",
    C: "late",
    IP: "10.0.0.2",
    L: "v",
    CPU: "2",
    MEM: "1024",
    K: "v",
    S: "pw",
    SVC_SERVICE_HOST: "10.96.0.9",
  });
});

test("what env refers to and is not there is refused in the kubelet's words", () => {
  const key = (kind: string, name: string) => ({
    env: [{ name: "X", valueFrom: { [kind]: { name, key: "k" } } }],
  });
  const rows: [object, object, string][] = [
    [key("configMapKeyRef", "cm"), {}, 'configmap "cm" not found'],
    [key("configMapKeyRef", "cm"), { cm: { data: {} } }, "couldn't find key k in ConfigMap ns/cm"],
    [key("secretKeyRef", "s"), {}, 'secret "s" not found'],
    [key("secretKeyRef", "s"), { secret: {} }, "couldn't find key k in Secret ns/s"],
    [{ envFrom: [{ configMapRef: { name: "cm" } }] }, {}, 'configmap "cm" not found'],
  ];
  for (const [container, objects, message] of rows)
    assert.throws(() => environment(container, objects), new ContainerConfigError(message));
});

test("keys like __proto__ are only keys", () => {
  const env = [{ name: "X", valueFrom: { configMapKeyRef: { name: "cm", key: "constructor" } } }];
  assert.throws(() => environment({ env }, { cm: { data: {} } }), /couldn't find key constructor/);
});

test("service variables follow Docker links; other namespaces' services stay out", () => {
  const service = (namespace: string, name: string, clusterIP: string, ports: object[]): Service =>
    ({ metadata: { namespace, name }, spec: { clusterIP, ports } }) as unknown as Service;
  const services = [
    service("default", "kubernetes", "10.96.0.1", [{ port: 443, name: "https", protocol: "TCP" }]),
    service("ns", "my-db", "10.96.0.7", [{ port: 53, protocol: "UDP" }]),
    service("other", "x", "10.96.0.8", [{ port: 1 }]),
    service("ns", "headless", "None", [{ port: 1 }]),
  ];
  const names = (links: boolean): string[] =>
    serviceVariables(services, "ns", links).map(([n, v]) => `${n}=${v}`);
  assert.deepEqual(names(false), [
    "KUBERNETES_SERVICE_HOST=10.96.0.1",
    "KUBERNETES_SERVICE_PORT=443",
    "KUBERNETES_SERVICE_PORT_HTTPS=443",
    "KUBERNETES_PORT=tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP_PROTO=tcp",
    "KUBERNETES_PORT_443_TCP_PORT=443",
    "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1",
  ]);
  assert.ok(names(true).includes("MY_DB_PORT_53_UDP=udp://10.96.0.7:53"));
  assert.ok(!names(true).some((n) => n.startsWith("X_") || n.startsWith("HEADLESS")));
});

test("resolv.conf follows dnsPolicy and dnsConfig", () => {
  const host = parseResolvConf("# c\nnameserver 192.0.2.1\nsearch corp.example.\noptions timeout:1 rotate\n");
  const dns = { host, clusterServer: "10.96.0.10", domain: "cluster.local" };
  const own = ["ns.svc.cluster.local", "svc.cluster.local", "cluster.local"];
  const rows: [string, object, object][] = [
    ["default", {}, { servers: ["10.96.0.10"], searches: [...own, "corp.example"], options: ["ndots:5"] }],
    [
      "host network falls to the host's",
      { dnsPolicy: "ClusterFirst", hostNetwork: true },
      { servers: ["192.0.2.1"], searches: ["corp.example"], options: ["timeout:1", "rotate"] },
    ],
    [
      "ClusterFirstWithHostNet",
      { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true },
      { servers: ["10.96.0.10"], searches: [...own, "corp.example"], options: ["ndots:5"] },
    ],
    [
      "None takes dnsConfig alone",
      {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["1.1.1.1"],
          searches: ["a"],
          options: [{ name: "ndots", value: "2" }, { name: "x" }],
        },
      },
      { servers: ["1.1.1.1"], searches: ["a"], options: ["ndots:2", "x"] },
    ],
    [
      "dnsConfig adds and overrides",
      { dnsConfig: { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "1" }] } },
      { servers: ["10.96.0.10", "1.1.1.1"], searches: [...own, "corp.example"], options: ["ndots:1"] },
    ],
  ];
  for (const [name, spec, expected] of rows) assert.deepEqual(podResolvConf(pod(spec), dns), expected, name);
});

test("host names and the hosts file", () => {
  const named = pod({
    hostname: "h",
    subdomain: "sub",
    hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }],
  });
  const name = podHostname(named, "cluster.local");
  assert.deepEqual(name, {
    hostname: "h",
    fqdn: "h.sub.ns.svc.cluster.local",
    domainName: "sub.ns.svc.cluster.local",
  });
  const text = renderHostsFile(named, { ips: ["10.0.0.2"], ...name, hostFile: "" });
  assert.ok(text.startsWith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"));
  assert.ok(text.includes("10.0.0.2\th.sub.ns.svc.cluster.local\th\n"));
  assert.ok(text.endsWith("# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"));
  assert.equal(podHostname(pod({ subdomain: "s", setHostnameAsFQDN: true }), "d").hostname, "p.s.ns.svc.d");
  assert.equal(podHostname(pod({}, { name: `${"a".repeat(62)}-bcd` }), "d").hostname, "a".repeat(62));
});

test("what the kernel is told", () => {
  const of = (resources: object): Pod => pod({ containers: [{ name: "c", resources }] });
  assert.deepEqual([cpuShares(0), cpuShares(250), cpuShares(1e9)], [2, 256, 262_144]);
  assert.deepEqual([cpuQuota(0), cpuQuota(500), cpuQuota(1)], [undefined, 50_000, 1000]);
  const burst = of({ requests: { memory: "1Gi" } });
  assert.equal(oomScoreAdj(burst, burst.spec!.containers[0]!, 4 * 2 ** 30), 750);
});

test("runAsNonRoot is refused in the kubelet's words", () => {
  const image = (more: object) => ({ id: "x", repoTags: [], repoDigests: [], sizeBytes: 1, ...more });
  const where = '(pod: "p_ns(u)", container: c)';
  const security = (securityContext: object, img: object) =>
    containerSecurity(pod(), { name: "c", securityContext } as Container, image(img));
  assert.throws(() => security({ runAsNonRoot: true }, {}), {
    message: `container has runAsNonRoot and image will run as root ${where}`,
  });
  assert.throws(() => security({ runAsNonRoot: true, runAsUser: 0 }, {}), {
    message: `container's runAsUser breaks non-root policy ${where}`,
  });
  assert.throws(() => security({ runAsNonRoot: true }, { username: "web" }), {
    message: `container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root ${where}`,
  });
  assert.deepEqual(security({ runAsNonRoot: true }, { uid: 7 }).runAsUser, { value: 7 });
});

test("volumes show keys, items, modes, and refuse what is not there", () => {
  const input = {
    pod: pod({ securityContext: { runAsUser: 7 } }, { labels: { b: "2", a: "1" } }),
    objects: {
      configMaps: new Map([
        ["cm", { data: { k: "v", __proto__x: "y" }, binaryData: { b: "AQI=" } } as unknown as ConfigMap],
      ]),
      secrets: new Map<string, Secret | null>(),
    },
    tokens: new Map([["3600/", "jwt"]]),
    addresses: facts.addresses,
    allocatable: facts.allocatable,
  };
  const content = (v: object): Record<string, string> =>
    Object.fromEntries(
      [...volumeContent({ name: "v", ...v } as Volume, input)].map(([path, f]) => [
        path,
        `${f.mode.toString(8)} ${f.uid ?? "-"} ${f.content.toString("latin1")}`,
      ]),
    );
  assert.deepEqual(content({ configMap: { name: "cm" } }), {
    k: "644 - v",
    __proto__x: "644 - y",
    b: "644 - \x01\x02",
  });
  assert.deepEqual(
    content({
      configMap: { name: "cm", defaultMode: 0o400, items: [{ key: "k", path: "d/f", mode: 0o777 }] },
    }),
    { "d/f": "777 - v" },
  );
  assert.deepEqual(
    content({ downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } }),
    { l: '644 - a="1"\nb="2"' },
  );
  assert.deepEqual(content({ projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }), {
    token: "600 7 jwt",
  });
  assert.deepEqual(content({ secret: { secretName: "no", optional: true } }), {});
  assert.throws(() => content({ secret: { secretName: "no" } }), new VolumeError('secret "no" not found'));
  assert.throws(
    () => content({ configMap: { name: "cm", items: [{ key: "x", path: "x" }] } }),
    new VolumeError("configmap references non-existent config key: x"),
  );
});

test("image names are read as registries read them", () => {
  const rows: [string, string][] = [
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.2", "docker.io/library/nginx:1.2"],
    ["a/b", "docker.io/a/b:latest"],
    ["reg.example:5000/a/b:t", "reg.example:5000/a/b:t"],
    ["localhost/x", "localhost/x:latest"],
    [`x@sha256:${"0".repeat(64)}`, `docker.io/library/x@sha256:${"0".repeat(64)}`],
    ["Nginx", "!invalid reference format: repository name (library/Nginx) must be lowercase"],
    ["a:b:c", "!invalid reference format"],
    ["", "!invalid reference format"],
  ];
  for (const [text, expected] of rows) {
    const name = parseImageName(text);
    assert.equal("error" in name ? `!${name.error}` : name.full, expected, text);
  }
});

test("durations print as Go prints them", () => {
  const rows: [number, string][] = [
    [0, "0s"],
    [850, "850ms"],
    [10_000, "10s"],
    [80_000, "1m20s"],
    [300_000, "5m0s"],
    [3_600_000, "1h0m0s"],
    [1500, "1.5s"],
  ];
  for (const [ms, text] of rows) assert.equal(goDuration(ms), text);
});

test("a termination message from the log joins parts and keeps the last lines", () => {
  assert.equal(logText("t stdout F one\nt stderr P tw\nt stderr F o\n"), "one\ntwo\n");
  assert.equal(logText("t stdout P DONE\n"), "DONE");
  const many = Array.from({ length: 100 }, (_, i) => `t stdout F ${i}`).join("\n");
  assert.equal(logText(many).split("\n")[0], "20");
});
