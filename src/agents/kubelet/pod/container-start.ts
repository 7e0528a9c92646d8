// Starts one container: image, environment, mounts, CRI create and start, postStart hook, each failure with the reason and
// the events that Kubernetes gives it (kubelet kuberuntime_container startContainer).
import type { Pod } from "../../../core/api/types.ts";
import {
  ContainerConfigError,
  containerEnvironment,
  containerMounts,
  ImageVolumeError,
  type PodVolumes,
  podHostname,
  renderHostsFile,
  serviceVariables,
  VolumeError,
} from "../content/mod.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodEvents } from "../pod-events.ts";
import { callHandler } from "../probes/mod.ts";
import {
  containerConfig,
  ImageError,
  type Mount,
  type RuntimeImage,
  type Sandbox,
  type SandboxConfig,
} from "../runtime/mod.ts";
import type { Start } from "./decide.ts";
import type { PodImageVolumes, PulledImages } from "./image-volumes.ts";

/** `waiting` of a container that did not start. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  readonly retryAt: number;
  /** The container was made and its start failed: the runtime knows how. */
  readonly containerId: string | undefined;
  constructor(reason: string, message: string, retryAt: number, containerId?: string) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
    this.containerId = containerId;
  }
}

export interface StartInput {
  pod: Pod;
  start: Start;
  sandbox: Sandbox;
  sandboxConfig: SandboxConfig;
  volumes: PodVolumes;
  events: PodEvents;
  /** Begun while the sandbox was being made. */
  image: Promise<RuntimeImage>;
  imageVolumes: Pick<PodImageVolumes, "pulled" | "show">;
  /** An ephemeral container's target, by id. */
  targetId?: string | undefined;
  /** The container runs; its postStart hook has not. */
  onStarted(containerId: string): Promise<void>;
  /** Aborts when the pod is to leave: a hook is then waited for no longer. */
  leaving: AbortSignal;
}

const retryConfigMs = 10_000;

function serviceEnv(context: KubeletContext, pod: Pod): [string, string][] {
  const links = pod.spec?.enableServiceLinks ?? true;
  return serviceVariables(context.services.list(), pod.metadata.namespace!, links);
}

async function managedMounts(
  context: KubeletContext,
  input: StartInput,
  mounts: Mount[],
  terminationLog: string,
): Promise<Mount[]> {
  const { pod, start, sandbox, volumes } = input;
  const { files, facts } = context;
  const out = [...mounts];
  const plain = { readonly: false, propagation: "PROPAGATION_PRIVATE" } as const;
  if (!mounts.some((m) => m.containerPath === "/etc/hosts")) {
    const { hostname, domainName } = podHostname(pod, facts.cluster.domain);
    const text = renderHostsFile(pod, {
      ips: sandbox.ips,
      hostname,
      domainName,
      hostFile: context.hostFiles.hosts,
    });
    const path = `${volumes.podDir}/etc-hosts`;
    await files.writeFile(path, text, 0o644);
    out.push({ containerPath: "/etc/hosts", hostPath: path, ...plain });
  }
  const where = start.container.terminationMessagePath;
  if (where) {
    await files.writeFile(terminationLog, "", 0o666);
    out.push({ containerPath: where, hostPath: terminationLog, ...plain });
  }
  return out;
}

/** Resolves with the container's id once its postStart hook is over. Throws StartError. */
export async function startContainer(context: KubeletContext, input: StartInput): Promise<string> {
  const { pod, start, sandbox, events, volumes } = input;
  const { container } = start;
  const { facts, runtime, now } = context;
  const say = events.of(start);
  let image: RuntimeImage;
  let volumeImages: PulledImages;
  try {
    volumeImages = await input.imageVolumes.pulled(container, say);
    image = await input.image.catch((error) => {
      if (error instanceof ImageError) say.warning("Failed", `Error: ${error.reason}`);
      throw error;
    });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new StartError(error.reason, error.message, error.retryAt);
  }

  const hostIPs = facts.addresses;
  const podIPs = pod.spec?.hostNetwork ? hostIPs : sandbox.ips;
  const terminationLog = `${volumes.podDir}/containers/${container.name}/${start.attempt}`;
  const notCreated = (message: string): StartError => {
    say.warning("Failed", `Error: ${message}`);
    return new StartError("CreateContainerError", message, now() + retryConfigMs);
  };
  let config: ReturnType<typeof containerConfig>;
  try {
    const environment = containerEnvironment({
      pod,
      container,
      objects: volumes.objects,
      serviceVariables: serviceEnv(context, pod),
      addresses: { podIPs, hostIPs, nodeName: facts.nodeName },
      allocatable: facts.allocatable,
    });
    for (const { source, keys } of environment.skipped)
      say.warning(
        "InvalidEnvironmentVariableNames",
        `Keys [${keys.join(", ")}] from the EnvFrom ${source} were skipped since they are considered invalid environment variable names.`,
      );
    const mounts = await containerMounts(pod, container, {
      podDir: volumes.podDir,
      files: context.files,
      variables: environment.variables,
      showImage: (volume) => input.imageVolumes.show(volume, volumeImages.get(volume)!),
    });
    config = containerConfig(pod, container, {
      attempt: start.attempt,
      environment,
      mounts: await managedMounts(context, input, mounts, terminationLog),
      image,
      imageRef: image.id,
      memoryCapacity: facts.memoryCapacity,
      terminationLog,
      ...(input.targetId ? { targetId: input.targetId } : {}),
    });
  } catch (error) {
    // Where CRI has image volumes, it is the making of the container that fails.
    if (error instanceof ImageVolumeError) throw notCreated(error.message);
    const known = error instanceof ContainerConfigError || error instanceof VolumeError;
    const message =
      error instanceof VolumeError || !known
        ? `failed to prepare subPath for volumeMount of container "${container.name}": ${(error as Error).message}`
        : error.message;
    say.warning("Failed", `Error: ${message}`);
    throw new StartError("CreateContainerConfigError", message, now() + retryConfigMs);
  }

  let id: string;
  try {
    id = await runtime.createContainer(sandbox.id, config, input.sandboxConfig);
  } catch (error) {
    throw notCreated((error as Error).message);
  }
  say.normal("Created", "Container created");
  try {
    await runtime.startContainer(id);
  } catch (error) {
    const message = (error as Error).message;
    say.warning("Failed", `Error: ${message}`);
    throw new StartError("RunContainerError", message, now(), id);
  }
  say.normal("Started", "Container started");
  await input.onStarted(id);
  const hook = container.lifecycle?.postStart;
  if (hook) {
    const left = new Promise<{ ok: boolean; output: string }>((resolve) => {
      const leave = (): void => resolve({ ok: true, output: "" });
      input.leaving.addEventListener("abort", leave, { once: true });
      if (input.leaving.aborted) leave();
    });
    const call = callHandler(hook, {
      pod,
      container,
      containerId: id,
      podIP: podIPs[0] ?? "",
      runtime,
      client: context.probes,
      timeoutMs: 120_000,
    });
    const result = await Promise.race([call, left]);
    if (!result.ok) {
      say.warning("FailedPostStartHook", `PostStartHook failed`);
      throw new StartError("PostStartHookError", `PostStartHook failed: ${result.output}`, now(), id);
    }
  }
  return id;
}
