// Which container's log a request means, from the pod's status: the running one, the last one that ended, or none yet.
// Specification: the kubelet's validateContainerLogStatus, whose messages clients print.
import type { Container, ContainerStatus, Pod } from "../../../core/api/types.ts";

export type LogTarget = { kind: "container"; id: string } | { kind: "none"; message: string };

function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {};
  for (const list of [containerStatuses, initContainerStatuses, ephemeralContainerStatuses])
    for (const status of list ?? []) if (status.name === container) return status;
  return undefined;
}

/** `containerd://abc` is `abc`. */
export function bareId(id: string): string {
  const at = id.indexOf("://");
  return at < 0 ? id : id.slice(at + 3);
}

/** The container of that name, init and ephemeral ones included. */
export function containerSpec(pod: Pod, name: string): Pick<Container, "name" | "tty"> | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers].find((c) => c.name === name);
}

export function findLogTarget(pod: Pod, container: string, previous: boolean): LogTarget {
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`;
  const none = (message: string): LogTarget => ({ kind: "none", message });
  const found = (id: string): LogTarget => ({ kind: "container", id: bareId(id) });
  const status = statusOf(pod, container);
  if (!status) return none(`${where} is not available`);
  const { waiting, running, terminated } = status.state ?? {};
  const last = status.lastState?.terminated;
  if (previous)
    return last?.containerID ? found(last.containerID) : none(`previous terminated ${where} not found`);
  if (running) return found(status.containerID ?? "");
  if (terminated) {
    const id = terminated.containerID || last?.containerID;
    return id ? found(id) : none(`${where} is terminated`);
  }
  if (last) return last.containerID ? found(last.containerID) : none(`${where} is terminated`);
  if (waiting?.reason === "ErrImagePull") return none(`${where} is waiting to start: image can't be pulled`);
  if (waiting?.reason === "ImagePullBackOff")
    return none(`${where} is waiting to start: trying and failing to pull image`);
  if (waiting) return none(`${where} is waiting to start: ${waiting.reason ?? ""}`);
  return none(`${where} is waiting to start - no logs yet`);
}
