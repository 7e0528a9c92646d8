import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../core/api/types.ts";
import { createKubeletMetrics } from "./metrics.ts";
import { meterRuntime, type PodRuntime } from "./runtime/mod.ts";

const pod = (uid: string, phase: string, states: object[] = []): Pod =>
  ({
    metadata: { name: uid, namespace: "default", uid },
    status: { phase, containerStatuses: states.map((state) => ({ name: "c", state })) },
  }) as Pod;

const create = () => createKubeletMetrics({ nodeName: "node-1", host: "172.30.0.1:6443" });

test("a pod's start is the time from its first sight until it runs, once", () => {
  const metrics = create();
  metrics.pod(pod("a", "Pending"), 1000);
  metrics.pod(pod("a", "Pending"), 1500);
  metrics.pod(pod("a", "Running"), 1700);
  metrics.pod(pod("a", "Running"), 9000);
  metrics.pod(pod("seen running", "Running"), 9000);
  metrics.pod(pod("failed", "Pending"), 9000);
  metrics.pod(pod("failed", "Failed"), 9100);
  assert.match(metrics.text(), /^kubelet_pod_start_duration_seconds_sum 0.7$/m);
  assert.match(metrics.text(), /^kubelet_pod_start_duration_seconds_count 1$/m);
});

test("pods and containers are counted as they are now", () => {
  const metrics = create();
  metrics.showPods(() => [
    pod("a", "Running", [{ running: {} }, { terminated: {} }]),
    pod("b", "Pending", [{ waiting: {} }]),
    pod("c", "Succeeded", [{ terminated: {} }]),
  ]);
  const text = metrics.text();
  for (const line of [
    "kubelet_running_pods 1",
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 2',
    'kubelet_desired_pods{static=""} 3',
    'kubelet_active_pods{static=""} 2',
    'kubelet_node_name{node="node-1"} 1',
  ])
    assert.ok(text.includes(`\n${line}\n`) || text.startsWith(`${line}\n`), `${line}\n${text}`);
});

test("every call of the runtime is told of, and passes as it is", async () => {
  const metrics = create();
  let now = 0;
  const runtime = {
    ...Object.fromEntries(
      [
        ...["version", "conditions", "listSandboxes", "sandboxStatus", "stopSandbox", "removeSandbox"],
        ...["listContainers", "containerStatus", "createContainer", "startContainer", "stopContainer"],
        ...["removeContainer", "updateResources", "reopenLog", "execSync", "exec", "attach", "portForward"],
        ...["writableLayers", "images", "image", "pullImage", "removeImage"],
      ].map((name) => [name, async () => undefined]),
    ),
    async runSandbox(config: unknown, handler?: string) {
      now += 200;
      if (handler === "broken") throw new Error("no");
      return `sandbox of ${String(config)}`;
    },
  } as unknown as PodRuntime;
  const metered = meterRuntime(runtime, metrics.runtime, () => now);
  assert.equal(await metered.runSandbox("x" as never), "sandbox of x");
  await assert.rejects(metered.runSandbox("x" as never, "broken"), /^Error: no$/);
  const text = metrics.text();
  for (const line of [
    'kubelet_runtime_operations_total{operation_type="run_podsandbox"} 2',
    'kubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1',
    'kubelet_runtime_operations_duration_seconds_sum{operation_type="run_podsandbox"} 0.4',
    'kubelet_run_podsandbox_duration_seconds_count{runtime_handler=""} 1',
    "kubelet_started_pods_total 2",
    "kubelet_started_pods_errors_total 1",
  ])
    assert.ok(text.includes(`\n${line}\n`), `${line}\n${text}`);
});

test("requests to the API server by method and code", () => {
  const metrics = create();
  metrics.requested("GET", "200", 30);
  metrics.requested("GET", "<error>", 30);
  assert.match(
    metrics.text(),
    /^rest_client_requests_total\{code="<error>",method="GET",host="172.30.0.1:6443"\} 1$/m,
  );
});

test("image volumes: how many were asked for, mounted, and failed", () => {
  const metrics = create();
  metrics.imageVolumes("requested", 2);
  metrics.imageVolumes("mounted", 1);
  metrics.imageVolumes("failed", 1);
  const text = metrics.text();
  for (const line of [
    "kubelet_image_volume_requested_total 2",
    "kubelet_image_volume_mounted_succeed_total 1",
    "kubelet_image_volume_mounted_errors_total 1",
  ])
    assert.ok(text.includes(`\n${line}\n`), `${line}\n${text}`);
});

test("evictions by what they were for", () => {
  const metrics = create();
  metrics.evicted("emptydirfs.limit");
  assert.match(metrics.text(), /^kubelet_evictions\{eviction_signal="emptydirfs.limit"\} 1$/m);
});
