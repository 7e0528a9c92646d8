// Which container of a pod a log, exec or attach request means.
import { badRequest, type StatusError } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/api/types.ts";

/** The name asked for, or that of the only container; otherwise Kubernetes' refusal. */
export function chooseContainer(pod: Pod, asked: string): string | StatusError {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? { containers: [] };
  const name = pod.metadata.name ?? "";
  const all = [...initContainers, ...containers, ...ephemeralContainers].map((c) => c.name);
  if (asked !== "")
    return all.includes(asked) ? asked : badRequest(`container ${asked} is not valid for pod ${name}`);
  if (containers.length === 1) return containers[0]!.name;
  if (containers.length === 0) return badRequest(`a container name must be specified for pod ${name}`);
  return badRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(" ")}]`);
}
