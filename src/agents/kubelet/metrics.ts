// What the kubelet counts, under the kubelet's and client-go's own names (kubernetes pkg/kubelet/metrics).
import { readProcessFacts } from "../../control/client/mod.ts";
import type { Pod } from "../../core/api/types.ts";
import {
  addBuildInfo,
  addProcessMetrics,
  createMetricPage,
  exponentialBuckets,
} from "../../core/metrics/mod.ts";
import { kubeletVersion } from "./node/mod.ts";
import type { RuntimeWatcher } from "./runtime/mod.ts";

export interface KubeletMetrics {
  /** Told of every call of the container runtime. */
  readonly runtime: RuntimeWatcher;
  /** Image volumes that containers asked for, and what came of them. */
  imageVolumes(what: "requested" | "mounted" | "failed", count: number): void;
  /** A pod was evicted for that limit or threshold. */
  evicted(signal: string): void;
  /** A request to the API server is answered; `code` is "<error>" when it was not. */
  requested(method: string, code: string, milliseconds: number): void;
  /** A pod of this node came or changed; `ms` since the epoch. */
  pod(pod: Pod, ms: number): void;
  podGone(pod: Pod): void;
  /** The pods that are told of, with their status as it is now. */
  showPods(pods: () => readonly Pod[]): void;
  text(): string;
}

const startBuckets = [
  ...[0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200],
  ...[1800, 2700, 3600],
];
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const sandboxBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const isOver = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

function containerStates(pods: readonly Pod[]): Map<string, number> {
  const states = new Map<string, number>();
  for (const { status } of pods)
    for (const c of [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
      ...(status?.ephemeralContainerStatuses ?? []),
    ]) {
      const state = c.state?.running ? "running" : c.state?.terminated ? "exited" : undefined;
      if (state) states.set(state, (states.get(state) ?? 0) + 1);
    }
  return states;
}

/** `host` is the API server's, as host:port. */
export function createKubeletMetrics(options: { nodeName: string; host: string }): KubeletMetrics {
  const { nodeName, host } = options;
  const page = createMetricPage();
  page.gauge("kubelet_node_name", "The node's name. The count is always 1.", ["node"]).with(nodeName).set(1);
  const podStart = page
    .histogram(
      "kubelet_pod_start_duration_seconds",
      "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
      startBuckets,
    )
    .with();
  const running = page.gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox").with();
  const containers = page.gauge("kubelet_running_containers", "Number of containers currently running", [
    "container_state",
  ]);
  const desired = page.gauge(
    "kubelet_desired_pods",
    "The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.",
    ["static"],
  );
  const active = page.gauge(
    "kubelet_active_pods",
    "The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.",
    ["static"],
  );
  const operations = page.counter(
    "kubelet_runtime_operations_total",
    "Cumulative number of runtime operations by operation type.",
    ["operation_type"],
  );
  const operationTimes = page.histogram(
    "kubelet_runtime_operations_duration_seconds",
    "Duration in seconds of runtime operations. Broken down by operation type.",
    exponentialBuckets(0.005, 2.5, 14),
    ["operation_type"],
  );
  const operationErrors = page.counter(
    "kubelet_runtime_operations_errors_total",
    "Cumulative number of runtime operation errors by operation type.",
    ["operation_type"],
  );
  const startedPods = page.counter("kubelet_started_pods_total", "Cumulative number of pods started").with();
  const startedErrors = page
    .counter("kubelet_started_pods_errors_total", "Cumulative number of errors when starting pods")
    .with();
  const sandboxes = page.histogram(
    "kubelet_run_podsandbox_duration_seconds",
    "Duration in seconds of the run_podsandbox operations. Broken down by RuntimeClass.Handler.",
    sandboxBuckets,
    ["runtime_handler"],
  );
  const imageVolumes = {
    requested: page
      .counter("kubelet_image_volume_requested_total", "Number of requested image volumes.")
      .with(),
    mounted: page
      .counter("kubelet_image_volume_mounted_succeed_total", "Number of successful image volume mounts.")
      .with(),
    failed: page
      .counter("kubelet_image_volume_mounted_errors_total", "Number of failed image volume mounts.")
      .with(),
  };
  const evictions = page.counter(
    "kubelet_evictions",
    "Cumulative number of pod evictions by eviction signal",
    ["eviction_signal"],
  );
  const requests = page.counter(
    "rest_client_requests_total",
    "Number of HTTP requests, partitioned by status code, method, and host.",
    ["code", "method", "host"],
  );
  const requestTimes = page.histogram(
    "rest_client_request_duration_seconds",
    "Request latency in seconds. Broken down by verb, and host.",
    requestBuckets,
    ["verb", "host"],
  );
  let pods: () => readonly Pod[] = () => [];
  page.onText(() => {
    const now = pods();
    const states = containerStates(now);
    running.set(now.filter((p) => p.status?.phase === "Running").length);
    for (const state of ["running", "exited"]) containers.with(state).set(states.get(state) ?? 0);
    desired.with("").set(now.length);
    active.with("").set(now.filter((p) => !isOver(p)).length);
  });
  addProcessMetrics(page, readProcessFacts);
  addBuildInfo(page, { gitVersion: kubeletVersion });

  /** When a pod was first seen, as long as it has not run; by uid. */
  const waiting = new Map<string, number>();

  return {
    runtime: {
      called(operation, milliseconds, failed) {
        operations.with(operation).add();
        operationTimes.with(operation).observe(milliseconds / 1000);
        if (failed) operationErrors.with(operation).add();
      },
      sandbox(handler, milliseconds, failed) {
        startedPods.add();
        if (failed) startedErrors.add();
        else sandboxes.with(handler).observe(milliseconds / 1000);
      },
    },
    imageVolumes: (what, count) => imageVolumes[what].add(count),
    evicted: (signal) => evictions.with(signal).add(),
    requested(method, code, milliseconds) {
      requests.with(code, method, host).add();
      requestTimes.with(method, host).observe(milliseconds / 1000);
    },
    pod(pod, ms) {
      const uid = pod.metadata.uid ?? "";
      const phase = pod.status?.phase ?? "Pending";
      const seen = waiting.get(uid);
      if (phase === "Pending") {
        if (seen === undefined) waiting.set(uid, ms);
        return;
      }
      waiting.delete(uid);
      if (seen !== undefined && phase === "Running") podStart.observe((ms - seen) / 1000);
    },
    podGone: (pod) => void waiting.delete(pod.metadata.uid ?? ""),
    showPods(of) {
      pods = of;
    },
    text: () => page.text(),
  };
}
