// What dashboards made for Kubernetes read: /metrics of the API server, the kubelet, the proxy and DNS, by the names, types and
// labels of kube-apiserver, kubelet, kube-proxy and CoreDNS.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { after, before, test } from "node:test";
import { netnsName } from "../../src/app/cluster/paths.ts";
import { eventually, runCommand, startCluster, type TestCluster } from "../support/cluster.ts";

const name = "metrics";
let cluster: TestCluster;
before(async () => {
  cluster = await startCluster(name);
  await cluster.ok("run", "web", "--image=nginx", "--port=80", "--expose");
  await cluster.ok("wait", "pod/web", "--for=condition=Ready", "--timeout=60s");
  // The times in slices are whole seconds, and those from before the proxy's start are not counted: this one comes later.
  await cluster.ok("run", "late", "--image=nginx", "--port=80", "--expose");
  await cluster.ok("wait", "pod/late", "--for=condition=Ready", "--timeout=60s");
  await eventually("an answer through the Service's name", 20_000, async () => {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers(["10.96.0.10"]);
    const [address] = await resolver.resolve4("late.default.svc.cluster.local");
    return (await fetch(`http://${address}`, { signal: AbortSignal.timeout(1000) })).ok || undefined;
  });
});
after(async () => {
  const down = await cluster.down();
  assert.equal(down.code, 0, down.stdout + down.stderr);
});

interface Page {
  types: Map<string, string>;
  /** Samples of a name, each by its labels. */
  samples: Map<string, { labels: Record<string, string>; value: number }[]>;
}

/** Reads the text exposition format 0.0.4; throws at a line that is none, or a sample without a type. */
function parse(text: string): Page {
  const page: Page = { types: new Map(), samples: new Map() };
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ")) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.ok(!page.types.has(type[1]!), `${type[1]} has its type twice`);
      page.types.set(type[1]!, type[2]!);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const family = sample[1]!.replace(/_(bucket|sum|count)$/, (suffix) =>
      page.types.get(sample[1]!.slice(0, -suffix.length)) === "histogram" ? "" : suffix,
    );
    assert.ok(page.types.has(family), `a sample without a type: ${line}`);
    const labels = Object.fromEntries(
      [...(sample[2] ?? "").matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g)].map((m) => [m[1], m[2]]),
    );
    const value = sample[3] === "+Inf" ? Number.POSITIVE_INFINITY : Number(sample[3]);
    assert.ok(!Number.isNaN(value), line);
    page.samples.set(sample[1]!, [...(page.samples.get(sample[1]!) ?? []), { labels, value }]);
  }
  return page;
}

type Row = [metric: string, type: "counter" | "gauge" | "histogram", labels: string[]];

const request = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
const process: Row[] = [
  ["process_cpu_seconds_total", "counter", []],
  ["process_resident_memory_bytes", "gauge", []],
  ["process_start_time_seconds", "gauge", []],
  ["process_open_fds", "gauge", []],
];
const pages: { page: string; read(): Promise<string>; rows: Row[] }[] = [
  {
    page: "API server",
    read: () => cluster.ok("get", "--raw", "/metrics"),
    rows: [
      ["apiserver_request_total", "counter", [...request, "dry_run", "code"]],
      ["apiserver_request_duration_seconds", "histogram", [...request, "dry_run"]],
      ["apiserver_request_sli_duration_seconds", "histogram", request],
      ["apiserver_longrunning_requests", "gauge", request],
      ["apiserver_current_inflight_requests", "gauge", ["request_kind"]],
      ["apiserver_watch_events_total", "counter", ["group", "version", "resource"]],
      ["apiserver_storage_objects", "gauge", ["resource"]],
      ["apiserver_resource_objects", "gauge", ["group", "resource"]],
      [
        "kubernetes_build_info",
        "gauge",
        [
          ...["major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version"],
          ...["compiler", "platform"],
        ],
      ],
      ["workqueue_adds_total", "counter", ["name"]],
      ["workqueue_depth", "gauge", ["name"]],
      ["workqueue_queue_duration_seconds", "histogram", ["name"]],
      ["workqueue_work_duration_seconds", "histogram", ["name"]],
      ["workqueue_unfinished_work_seconds", "gauge", ["name"]],
      ["workqueue_longest_running_processor_seconds", "gauge", ["name"]],
      ...process,
    ],
  },
  {
    page: "kubelet",
    read: () => cluster.ok("get", "--raw", "/api/v1/nodes/node-1/proxy/metrics"),
    rows: [
      ["kubelet_node_name", "gauge", ["node"]],
      ["kubelet_running_pods", "gauge", []],
      ["kubelet_running_containers", "gauge", ["container_state"]],
      ["kubelet_desired_pods", "gauge", ["static"]],
      ["kubelet_active_pods", "gauge", ["static"]],
      ["kubelet_pod_start_duration_seconds", "histogram", []],
      ["kubelet_started_pods_total", "counter", []],
      ["kubelet_started_pods_errors_total", "counter", []],
      ["kubelet_run_podsandbox_duration_seconds", "histogram", ["runtime_handler"]],
      ["kubelet_runtime_operations_total", "counter", ["operation_type"]],
      ["kubelet_runtime_operations_duration_seconds", "histogram", ["operation_type"]],
      ["rest_client_requests_total", "counter", ["code", "method", "host"]],
      ["rest_client_request_duration_seconds", "histogram", ["verb", "host"]],
      ...process,
    ],
  },
  {
    page: "proxy",
    read: async () => {
      const script = `fetch("http://127.0.0.1:10249/metrics").then(async (r) => process.stdout.write(await r.text()))`;
      const netns = `--net=/run/netns/${netnsName(name, "node-1")}`;
      return (await runCommand("nsenter", [netns, "--", globalThis.process.execPath, "-e", script])).stdout;
    },
    rows: [
      ["kubeproxy_sync_proxy_rules_duration_seconds", "histogram", ["ip_family"]],
      ["kubeproxy_sync_full_proxy_rules_duration_seconds", "histogram", ["ip_family"]],
      ["kubeproxy_sync_partial_proxy_rules_duration_seconds", "histogram", ["ip_family"]],
      ["kubeproxy_sync_proxy_rules_last_timestamp_seconds", "gauge", ["ip_family"]],
      ["kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "gauge", ["ip_family"]],
      ["kubeproxy_network_programming_duration_seconds", "histogram", ["ip_family"]],
      ["kubeproxy_sync_proxy_rules_endpoint_changes_total", "counter", []],
      ["kubeproxy_sync_proxy_rules_endpoint_changes_pending", "gauge", []],
      ["kubeproxy_sync_proxy_rules_service_changes_total", "counter", []],
      ["kubeproxy_sync_proxy_rules_service_changes_pending", "gauge", []],
      ["kubeproxy_conntrack_reconciler_sync_duration_seconds", "histogram", ["ip_family"]],
      ["kubeproxy_conntrack_reconciler_deleted_entries_total", "counter", ["ip_family"]],
      ["kubeproxy_proxy_healthz_total", "counter", ["code"]],
      ["kubeproxy_proxy_livez_total", "counter", ["code"]],
      ...process,
    ],
  },
  {
    page: "DNS",
    read: async () => (await fetch("http://10.96.0.10:9153/metrics")).text(),
    rows: [
      ["coredns_build_info", "gauge", ["version", "revision", "goversion"]],
      ["coredns_dns_requests_total", "counter", ["server", "zone", "view", "proto", "family", "type"]],
      ["coredns_dns_responses_total", "counter", ["server", "zone", "view", "rcode", "plugin"]],
      ["coredns_dns_request_duration_seconds", "histogram", ["server", "zone", "view"]],
      ["coredns_dns_request_size_bytes", "histogram", ["server", "zone", "view", "proto"]],
      ["coredns_dns_response_size_bytes", "histogram", ["server", "zone", "view", "proto"]],
      ["coredns_panics_total", "counter", []],
      ["coredns_cache_entries", "gauge", ["server", "type", "zones", "view"]],
      ["coredns_cache_hits_total", "counter", ["server", "type", "zones", "view"]],
      ["coredns_cache_misses_total", "counter", ["server", "zones", "view"]],
      ["coredns_cache_requests_total", "counter", ["server", "zones", "view"]],
      ...process,
    ],
  },
];

for (const { page, read, rows } of pages)
  test(`${page}: names, types and labels`, async () => {
    const node = JSON.parse(await cluster.ok("get", "node", "node-1", "-o", "json"));
    for (const path of ["healthz", "livez"])
      assert.equal((await fetch(`http://${node.status.addresses[0].address}:10256/${path}`)).status, 200);
    const { types, samples } = parse(await read());
    for (const [metric, type, labels] of rows) {
      assert.equal(types.get(metric), type, metric);
      const found = samples.get(type === "histogram" ? `${metric}_count` : metric) ?? [];
      assert.ok(found.length > 0, `${metric} has no value`);
      for (const { labels: own } of found)
        assert.deepEqual(Object.keys(own).sort(), [...labels].sort(), `labels of ${metric}`);
    }
  });

test("what is counted is what happened", async () => {
  const [server, kubelet, proxy, dns] = (await Promise.all(pages.map((p) => p.read()))).map(parse);
  const sum = (page: Page | undefined, metric: string, labels: Record<string, string> = {}): number =>
    (page?.samples.get(metric) ?? [])
      .filter((s) => Object.entries(labels).every(([k, v]) => s.labels[k] === v))
      .reduce((total, s) => total + s.value, 0);
  const created = { verb: "POST", resource: "services", code: "201", scope: "namespace" };
  assert.equal(sum(server, "apiserver_request_total", created), 2);
  // A node's kubelet, proxy and DNS share one.
  assert.ok(sum(server, "apiserver_longrunning_requests", { verb: "WATCH", resource: "services" }) >= 1);
  assert.ok(sum(server, "apiserver_watch_events_total", { resource: "pods" }) >= 2);
  assert.equal(sum(server, "apiserver_storage_objects", { resource: "pods" }), 2);
  const slices = { name: "endpoint_slice" };
  assert.ok(sum(server, "workqueue_work_duration_seconds_count", slices) >= 2);
  assert.ok(sum(server, "workqueue_adds_total", slices) >= 2);
  assert.equal(sum(kubelet, "kubelet_running_pods"), 2);
  assert.equal(sum(kubelet, "kubelet_running_containers", { container_state: "running" }), 2);
  assert.equal(sum(kubelet, "kubelet_started_pods_total"), 2);
  assert.equal(sum(kubelet, "kubelet_pod_start_duration_seconds_count"), 2);
  assert.ok(sum(kubelet, "rest_client_requests_total", { code: "200", method: "PATCH" }) >= 1);
  assert.ok(sum(proxy, "kubeproxy_network_programming_duration_seconds_count", { ip_family: "IPv4" }) >= 1);
  assert.ok(sum(proxy, "kubeproxy_sync_partial_proxy_rules_duration_seconds_count") >= 1);
  assert.ok(sum(dns, "coredns_dns_requests_total", { proto: "udp", type: "A" }) >= 1);
  assert.ok(sum(dns, "coredns_dns_responses_total", { rcode: "NOERROR" }) >= 1);
  const durations = "coredns_dns_request_duration_seconds_count";
  assert.ok(sum(dns, durations) >= sum(dns, "coredns_dns_responses_total"));
});
