// The container runtime with somebody who is told of every call: what is asked, how long it took, whether it failed.
import type { PodRuntime } from "./runtime.ts";

export interface RuntimeWatcher {
  /** `operation` in the kubelet's words, e.g. create_container. */
  called(operation: string, milliseconds: number, failed: boolean): void;
  /** A sandbox was asked for, of that runtime handler ("" is the default one). */
  sandbox(handler: string, milliseconds: number, failed: boolean): void;
}

/** The kubelet's names of what is asked of a runtime (kubernetes pkg/kubelet/kuberuntime). */
const operations = {
  version: "version",
  conditions: "status",
  listSandboxes: "list_podsandbox",
  sandboxStatus: "podsandbox_status",
  runSandbox: "run_podsandbox",
  stopSandbox: "stop_podsandbox",
  removeSandbox: "remove_podsandbox",
  listContainers: "list_containers",
  containerStatus: "container_status",
  writableLayers: "list_container_stats",
  createContainer: "create_container",
  startContainer: "start_container",
  stopContainer: "stop_container",
  removeContainer: "remove_container",
  updateResources: "update_container",
  reopenLog: "reopen_container_log",
  execSync: "exec_sync",
  exec: "exec",
  attach: "attach",
  portForward: "port_forward",
  images: "list_images",
  image: "image_status",
  pullImage: "pull_image",
  removeImage: "remove_image",
} as const satisfies Record<Exclude<keyof PodRuntime, "watch">, string>;

/** `now` in milliseconds, monotonic. */
export function meterRuntime(runtime: PodRuntime, watcher: RuntimeWatcher, now: () => number): PodRuntime {
  const metered: Record<string, unknown> = {
    watch: (...args: Parameters<PodRuntime["watch"]>) => runtime.watch(...args),
  };
  for (const [method, operation] of Object.entries(operations)) {
    const call = (runtime[method as keyof PodRuntime] as (...args: unknown[]) => Promise<unknown>).bind(
      runtime,
    );
    metered[method] = async (...args: unknown[]) => {
      const began = now();
      let failed = true;
      try {
        const answer = await call(...args);
        failed = false;
        return answer;
      } finally {
        const took = now() - began;
        watcher.called(operation, took, failed);
        if (method === "runSandbox") watcher.sandbox((args[1] as string | undefined) ?? "", took, failed);
      }
    };
  }
  // Every method of a PodRuntime but `watch` is an operation: the compiler holds the list complete.
  return metered as unknown as PodRuntime;
}
