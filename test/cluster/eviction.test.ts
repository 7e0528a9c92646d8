// Pods that use more local storage than they may, on real containers: they end as Evicted, are no endpoint any more, and
// their controllers replace them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("eviction");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

interface PodShape {
  metadata: { name: string; labels?: Record<string, string> };
  status: {
    phase: string;
    reason?: string;
    message?: string;
    containerStatuses?: { restartCount: number; state: { terminated?: object } }[];
  };
}

/** Ten seconds are the node's, ten more the runtime's; the rest is for a machine with much to do. */
const evictionMs = 60_000;

async function apply(...items: object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const { code, stderr } = await cluster.kubectlWith({ input }, "apply", "-f", "-");
  assert.equal(code, 0, stderr);
}

const container = (name: string, script: string, more: object = {}): object => ({
  name,
  image: "busybox",
  imagePullPolicy: "IfNotPresent",
  command: ["sh", "-c", script],
  ...more,
});
const limited = (size: string): object => ({ resources: { limits: { "ephemeral-storage": size } } });
const fill = (path: string, mib: number): string =>
  `dd if=/dev/zero of=${path} bs=1M count=${mib} 2>/dev/null`;
const pod = (name: string, containers: object[], spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: { containers, ...spec },
});
const service = (name: string, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }], ...more },
});

const podsOf = async (app: string): Promise<PodShape[]> =>
  JSON.parse(await cluster.ok("get", "pods", "-l", `app=${app}`, "-o", "json")).items;

/** Addresses in the Service's slices. */
async function endpointsOf(name: string): Promise<string[]> {
  const selector = `kubernetes.io/service-name=${name}`;
  const text = await cluster.ok("get", "endpointslices", "-l", selector, "-o", "json");
  const { items } = JSON.parse(text) as { items: { endpoints?: { addresses: string[] }[] }[] };
  return items.flatMap((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses));
}

test("each limit evicts its pod in its own words; a Service has no endpoint then and refuses at once", async () => {
  const sleep = "sleep 10000";
  const rows: [name: string, made: object, message: string][] = [
    [
      "layer",
      pod("layer", [
        container("writer", `sleep 2; ${fill("/file", 10)}; ${sleep}`, limited("5Mi")),
        container("other", sleep, limited("50Mi")),
      ]),
      'Container writer exceeded its local ephemeral storage limit "5Mi". ',
    ],
    [
      "logs",
      pod("logs", [
        container("writer", `yes $(printf %0500d 0) | head -c 3000000; ${sleep}`, limited("1Mi")),
        container("other", sleep, limited("50Mi")),
      ]),
      'Container writer exceeded its local ephemeral storage limit "1Mi". ',
    ],
    [
      "volume",
      pod(
        "volume",
        [
          container("c", `${fill("/v/file", 3)}; ${sleep}`, {
            volumeMounts: [{ name: "cache", mountPath: "/v" }],
          }),
        ],
        { volumes: [{ name: "cache", emptyDir: { sizeLimit: "1Mi" } }] },
      ),
      'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ',
    ],
    [
      "sum",
      pod(
        "sum",
        [
          container("a", `${fill("/file", 2)}; ${sleep}`, limited("3Mi")),
          container("b", `${fill("/v/file", 5)}; ${sleep}`, {
            ...limited("3Mi"),
            volumeMounts: [{ name: "v", mountPath: "/v" }],
          }),
        ],
        { volumes: [{ name: "v", emptyDir: {} }] },
      ),
      "Pod ephemeral local storage usage exceeds the total limit of containers 6Mi. ",
    ],
  ];
  const kept = pod(
    "kept",
    [
      container("c", `${fill("/v/file", 3)}; ${sleep}`, {
        ...limited("20Mi"),
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      }),
    ],
    { volumes: [{ name: "v", emptyDir: { sizeLimit: "10Mi" } }] },
  );
  const client = pod("client", [container("c", sleep)]);
  await apply(
    service("layer", { publishNotReadyAddresses: true }),
    ...rows.map(([, made]) => made),
    kept,
    client,
  );
  await eventually("the Service's endpoint", 30_000, async () =>
    (await endpointsOf("layer")).length === 1 ? true : undefined,
  );
  for (const [name, , message] of rows) {
    const evicted = await eventually(`${name} is evicted`, evictionMs, async () => {
      const [found] = await podsOf(name);
      return found?.status.phase === "Failed" ? found : undefined;
    });
    assert.equal(evicted.status.reason, "Evicted", name);
    assert.equal(evicted.status.message, message, name);
    for (const c of evicted.status.containerStatuses ?? []) {
      assert.ok(c.state.terminated, name);
      assert.equal(c.restartCount, 0, name);
    }
    const described = await cluster.ok("describe", "pod", name);
    assert.match(described, /^Status: +Failed\nReason: +Evicted$/m, name);
    const said = await eventually(`${name}'s event`, 5000, async () => {
      const about = `involvedObject.name=${name},reason=Evicted`;
      const { items } = JSON.parse(
        await cluster.ok("get", "events", "--field-selector", about, "-o", "json"),
      );
      return items[0] as { type: string; message: string } | undefined;
    });
    assert.deepEqual([said.type, said.message], ["Warning", message]);
  }
  await eventually("no endpoint", 5000, async () =>
    (await endpointsOf("layer")).length === 0 ? true : undefined,
  );
  await eventually("a refusal", 5000, async () => {
    const began = performance.now();
    const { code, stderr } = await cluster.kubectl(
      "exec",
      "client",
      "--",
      "wget",
      "-T3",
      "-O-",
      "http://layer",
    );
    assert.notEqual(code, 0);
    return /refused/i.test(stderr) && performance.now() - began < 2500 ? true : undefined;
  });
  const [still] = await podsOf("kept");
  assert.equal(still?.status.phase, "Running", JSON.stringify(still?.status));
});

test("a Deployment replaces its evicted pod", async () => {
  // The first to come fills its layer, the next ones find the mark in the host's directory and do not.
  const mark = "/host/portolan-test-evicted";
  const script = `[ -e ${mark} ] || { touch ${mark}; ${fill("/file", 10)}; }; sleep 10000`;
  const template = {
    metadata: { labels: { app: "replaced" } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        container("c", script, { ...limited("5Mi"), volumeMounts: [{ name: "host", mountPath: "/host" }] }),
      ],
      volumes: [{ name: "host", hostPath: { path: `${cluster.env.HOME}/mark`, type: "DirectoryOrCreate" } }],
    },
  };
  await apply(service("replaced"), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "replaced" },
    spec: { replicas: 1, selector: { matchLabels: { app: "replaced" } }, template },
  });
  const [evicted, next] = await eventually("a replacement", evictionMs, async () => {
    const all = await podsOf("replaced");
    const old = all.find((p) => p.status.reason === "Evicted");
    const runs = all.find((p) => p.status.phase === "Running");
    return old && runs ? ([old, runs] as const) : undefined;
  });
  assert.notEqual(evicted.metadata.name, next.metadata.name);
  assert.equal((await podsOf("replaced")).length, 2);
  await cluster.ok("rollout", "status", "deployment/replaced", "--timeout=30s");
  assert.equal((await endpointsOf("replaced")).length, 1);
  await cluster.ok("delete", "deployment", "replaced");
  await eventually("the evicted pod goes with its owner", 30_000, async () =>
    (await podsOf("replaced")).length === 0 ? true : undefined,
  );
});
