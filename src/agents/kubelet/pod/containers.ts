// Starts and stops one pod's containers and remembers what failed: the acting half of the worker.
import type { Secret } from "../../../core/api/types.ts";
import { createBackOff } from "../back-off.ts";
import { pullSecrets } from "../content/mod.ts";
import { podKey } from "../kubelet-context.ts";
import { allContainers, type SpecContainer } from "../pod-text.ts";
import { StartError, startContainer } from "./container-start.ts";
import { stopContainer } from "./container-stop.ts";
import type { Kill, Start } from "./decide.ts";
import { createPodImageVolumes } from "./image-volumes.ts";
import { graceSeconds, type PodParts } from "./parts.ts";
import { type Pull, pullSettled, watchPull } from "./pull.ts";
import type { PodSandboxes } from "./sandboxes.ts";
import type { StartFailure } from "./state.ts";

export interface PodContainers {
  readonly backOff: ReturnType<typeof createBackOff>;
  readonly failures: Map<string, StartFailure>;
  readonly stopping: Set<string>;
  readonly hooking: Set<string>;
  /** Asks for the container's image and those of volumes, so that they are there when the container starts. */
  prefetch(container: SpecContainer): void;
  /** Starts it, or fails to and remembers why. False: an image is still on its way; the worker is woken by it. */
  start(start: Start): Promise<boolean>;
  /** All that was to start now has started or failed. */
  endRound(): void;
  /** Resolves when it is dead; wakes the worker. Never rejects. */
  kill(kill: Kill): Promise<void>;
  /** An id that died and is not known (yet): maybe that of a container being started. */
  diedEarly(id: string): void;
}

const deadKept = 2;

export function createPodContainers(
  parts: PodParts,
  sandboxes: PodSandboxes,
  onDead: (id: string) => void,
): PodContainers {
  const { context, cache, events, volumes } = parts;
  const { runtime, now, log } = context;
  const backOff = createBackOff();
  const failures = new Map<string, StartFailure>();
  const stopping = new Set<string>();
  const hooking = new Set<string>();
  const early = new Set<string>();
  let starting = 0;

  const images = new Map<string, Pull>();
  const imageVolumes = createPodImageVolumes(parts, pullSecretsOf);

  async function pullSecretsOf(): Promise<readonly Secret[]> {
    const { secrets, missing } = await pullSecrets(context.client, parts.pod());
    if (missing.length > 0)
      events.warning(
        "FailedToRetrieveImagePullSecret",
        `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`,
      );
    return secrets;
  }

  function imageOf(c: SpecContainer): Pull {
    const { name, image, imagePullPolicy } = c.container;
    const known = images.get(name);
    if (known) return known;
    const wish = { image, pullPolicy: imagePullPolicy };
    const pull = watchPull(
      context.images.ensure(parts.pod(), wish, { events: events.of(c), secrets: pullSecretsOf }),
    );
    images.set(name, pull);
    return pull;
  }

  async function start(s: Start): Promise<boolean> {
    const { name } = s.container;
    imageVolumes.ask();
    const image = imageOf(s);
    for (const pull of [...imageVolumes.pullsOf(s.container), image])
      if (!(await pullSettled(pull, parts.wake)) || parts.leaving.aborted) return false;
    const sandbox = cache.sandbox!;
    if (s.after) backOff.next(name, s.after.finishedAt, now());
    const target = (s.container as { targetContainerName?: string }).targetContainerName;
    const targetId = target && cache.containers.find((c) => c.name === target && c.state === "running")?.id;
    let id: string | undefined;
    starting++;
    try {
      await startContainer(context, {
        pod: parts.pod(),
        start: s,
        sandbox,
        sandboxConfig: sandboxes.config(sandbox.attempt),
        volumes,
        events,
        image: image.promise,
        imageVolumes,
        targetId: targetId || undefined,
        leaving: parts.leaving,
        async onStarted(started) {
          id = started;
          if (!s.container.lifecycle?.postStart) return;
          hooking.add(started);
          await cache.refreshContainer(started);
        },
      });
      await cache.refreshContainer(id!);
      failures.delete(name);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      failures.set(name, { reason: error.reason, message: error.message, retryAt: error.retryAt });
      id = error.containerId;
      const c = id === undefined ? undefined : await cache.refreshContainer(id);
      if (c?.state === "running") void kill({ container: c, name, message: "FailedPostStartHook" });
    } finally {
      images.delete(name);
      if (id !== undefined) hooking.delete(id);
      starting--;
      if (id !== undefined && early.has(id)) onDead(id);
      if (starting === 0) early.clear();
    }
    await forgetOldDead(name);
    return true;
  }

  /** Of a container's dead only the newest stay, for `--previous` and lastState. */
  async function forgetOldDead(name: string): Promise<void> {
    const old = cache.containers
      .filter((c) => c.name === name && c.state === "exited")
      .sort((a, b) => b.createdAt - a.createdAt)
      .slice(deadKept);
    for (const c of old) {
      await runtime.removeContainer(c.id);
      cache.drop(c.id);
      if (c.logPath) await context.files.removeTree(c.logPath);
    }
  }

  async function kill(k: Kill): Promise<void> {
    const pod = parts.pod();
    const spec = allContainers(pod).find((c) => c.container.name === k.name);
    const own = k.probe && spec?.container[`${k.probe}Probe`]?.terminationGracePeriodSeconds;
    stopping.add(k.container.id);
    try {
      await stopContainer(context, {
        pod,
        spec,
        container: k.container,
        message: k.message,
        graceSeconds: own ?? graceSeconds(pod),
        podIP: parts.podIP(),
        events,
      });
      await cache.awaitExit(k.container.id);
    } catch (error) {
      log("container not stopped", { pod: podKey(pod), container: k.name, error: (error as Error).message });
      await new Promise((resolve) => setTimeout(resolve, 1000));
    } finally {
      stopping.delete(k.container.id);
      parts.wake();
    }
  }

  return {
    backOff,
    failures,
    stopping,
    hooking,
    prefetch(c) {
      imageVolumes.ask();
      imageOf(c);
    },
    endRound: () => imageVolumes.endRound(),
    start,
    kill,
    diedEarly: (id) => void (starting > 0 && early.add(id)),
  };
}
