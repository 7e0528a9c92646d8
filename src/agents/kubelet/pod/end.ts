// The end of a pod on this node: containers stop (sidecars last, in reverse), the network goes, the final status is written,
// files and runtime objects are removed, and only then does the API hear that the pod may be forgotten.
import { isSidecar } from "../../../core/api/kinds/pod/sidecar.ts";
import { pods } from "../../../core/api/refs.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import { unmountImages } from "../content/mod.ts";
import { allContainers, type SpecContainer } from "../pod-text.ts";
import { cgroupParent, logDirectory, type RuntimeContainer } from "../runtime/mod.ts";
import { stopContainer } from "./container-stop.ts";
import type { PodParts } from "./parts.ts";

export interface EndInput {
  /** The API has forgotten the pod already. */
  removed(): boolean;
  /** False: the pod has finished by itself and stays to be looked at. */
  deleted: boolean;
  /** What the pod holds of the disk is given back, though it stays to be looked at. */
  evicted: boolean;
  graceSeconds: number;
  stopping: Set<string>;
  wasReady: boolean;
  publish(final: boolean): Promise<void>;
}

/** Time for a ready pod's address to leave the tables of everyone who sends to it, before it is told to stop. */
const drainMs = 100;

/** `shorten` cuts the grace period of what is being stopped. */
export function endPod(
  parts: PodParts,
  input: EndInput,
): { done: Promise<void>; shorten(seconds: number): void } {
  const { context, cache, pod } = parts;
  const { stopping } = input;
  const { runtime, now } = context;
  let deadline = now() + input.graceSeconds * 1000;

  const left = (): number => Math.max(0, Math.ceil((deadline - now()) / 1000));
  const alive = (): RuntimeContainer[] => cache.containers.filter((c) => c.state === "running");
  const specOf = (c: RuntimeContainer): SpecContainer | undefined =>
    allContainers(pod()).find((s) => s.container.name === c.name);

  async function stop(c: RuntimeContainer): Promise<void> {
    stopping.add(c.id);
    try {
      await stopContainer(context, {
        pod: pod(),
        spec: specOf(c),
        container: c,
        message: `Stopping container ${c.name}`,
        graceSeconds: Math.max(left(), 1),
        podIP: parts.podIP(),
        events: parts.events,
      });
      await cache.awaitExit(c.id);
    } finally {
      stopping.delete(c.id);
    }
  }

  async function stopAll(): Promise<void> {
    const isLate = (c: RuntimeContainer): boolean => {
      const spec = specOf(c);
      return spec?.kind === "init" && isSidecar(spec.container);
    };
    await Promise.all(
      alive()
        .filter((c) => !isLate(c))
        .map(stop),
    );
    const order = (pod().spec?.initContainers ?? []).map((c) => c.name);
    const late = alive().sort((a, b) => order.indexOf(b.name) - order.indexOf(a.name));
    for (const c of late) await stop(c);
  }

  async function run(): Promise<void> {
    await cache.reload();
    if (alive().length > 0) {
      if (input.deleted) {
        void input.publish(false);
        if (input.wasReady && input.graceSeconds > 1) await new Promise((r) => setTimeout(r, drainMs));
      }
      await stopAll();
    }
    const first = input.publish(true);
    for (const s of cache.sandboxes) {
      await runtime.stopSandbox(s.id);
      await cache.refreshSandbox(s.id);
    }
    await first;
    // The phase is final now; said again so that the address and the sandbox's end are told too.
    await input.publish(true);
    if (!input.deleted && !input.evicted) return;
    await unmountImages(context, parts.volumes.podDir);
    await context.files.removeTree(parts.volumes.podDir);
    if (input.deleted) await forget();
    for (const c of cache.containers) await runtime.removeContainer(c.id);
    if (input.deleted) for (const s of cache.sandboxes) await runtime.removeSandbox(s.id);
    await context.files.removeTree(logDirectory(context.facts.podLogDir, pod()));
    if (input.deleted) await context.files.removeCgroup(cgroupParent(context.facts.cgroupRoot, pod()));
  }

  async function forget(): Promise<void> {
    if (input.removed()) return;
    const { namespace, name = "", uid = "" } = pod().metadata;
    try {
      await context.client.delete(pods, name, {
        namespace,
        gracePeriodSeconds: 0,
        preconditions: { uid },
      });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  return {
    done: run(),
    shorten(seconds) {
      const next = now() + seconds * 1000;
      if (next >= deadline) return;
      deadline = next;
      for (const c of alive())
        if (stopping.has(c.id)) void runtime.stopContainer(c.id, Math.max(seconds, 1)).catch(() => undefined);
    },
  };
}
