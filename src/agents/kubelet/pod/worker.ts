// One pod's life on this node: a serial loop that looks at the pod as wanted and as it is, asks the pure `decide` what to
// do, does it, and says how it went. Deaths, probe verdicts, changed objects and time wake it; nothing polls.
import type { Pod } from "../../../core/api/types.ts";
import { createPodVolumes } from "../content/mod.ts";
import { type KubeletContext, podKey } from "../kubelet-context.ts";
import type { Rejection } from "../node/mod.ts";
import { podEvents } from "../pod-events.ts";
import { allContainers, firstToStart } from "../pod-text.ts";
import type { RuntimeContainer } from "../runtime/mod.ts";
import { createPodCache } from "./cache.ts";
import { createPodContainers } from "./containers.ts";
import { decide, type Plan, type Waiting } from "./decide.ts";
import { endPod } from "./end.ts";
import { graceSeconds, type PodParts } from "./parts.ts";
import { createPodProbes } from "./probes.ts";
import { createPodReport } from "./report.ts";
import { createPodResizes } from "./resize.ts";
import { createPodSandboxes } from "./sandboxes.ts";
import type { PodState } from "./state.ts";
import type { StatusWriter } from "./status-writer.ts";
import { createWakeLoop } from "./wake-loop.ts";

export interface PodWorker {
  readonly pod: Pod;
  /** The pod with its status as known here. */
  view(): Pod;
  /** Holds room on the node: neither finished nor rejected. */
  readonly active: boolean;
  /** The API has a newer version of the pod. */
  update(pod: Pod): void;
  /** The API has the pod no more. */
  remove(pod: Pod): void;
  /** A container or sandbox with this id died. */
  died(id: string): void;
  /** Something the pod refers to changed. */
  objectsChanged(): void;
  /** It uses more than it may: it ends, and stays to be looked at with this message. */
  evict(message: string): void;
  /** Look at everything in the runtime again. */
  reload(): void;
  /** This process is going: nothing is looked at or probed any more, and what runs runs on. */
  leave(): void;
  readonly sandboxId: string | undefined;
  runningContainer(name: string): string | undefined;
  running(): RuntimeContainer[];
  container(id: string): RuntimeContainer | undefined;
}

export interface WorkerOptions {
  context: KubeletContext;
  writer: StatusWriter;
  pod: Pod;
  /** The runtime may have containers of this pod from before. */
  known: boolean;
  /** Whether a pod that is new here may run. */
  admit(pod: Pod): Promise<Rejection | undefined>;
  /** Whether what a pod asks for now finds no room. */
  lackOfRoom(pod: Pod): Rejection | undefined;
  /** The pod is off this node: forget the worker. */
  onGone(uid: string): void;
}

/** A status is written between two container starts when the last one is older than this. */
const stalestStatusMs = 300;

/** A resize that found no room is tried again. */
const resizeRetryMs = 10_000;

/** What a pod gets that the API forgot before it had ended here: it was deleted by force. */
const forcedGraceSeconds = 1;
const evictedGraceSeconds = 1;

const earliest = (...times: (number | undefined)[]): number | undefined => {
  const set = times.filter((t) => t !== undefined);
  return set.length > 0 ? Math.min(...set) : undefined;
};

export function createPodWorker(options: WorkerOptions): PodWorker {
  const { context, writer } = options;
  const { runtime, facts, now, log } = context;
  const uid = options.pod.metadata.uid!;
  let pod = options.pod;
  let removed = false;
  /** Why the kubelet ended the pod, where it did; `rejected`: before anything was made. */
  let verdict: Rejection | undefined;
  let rejected = false;
  let ended = false;
  /** Why the pod is to be evicted, and that it is. */
  let excess: string | undefined;
  let evicted = false;
  let settled = false;
  let gone = false;
  let admitted = options.known;
  let started = pod.status?.startTime ? Date.parse(pod.status.startTime as unknown as string) : 0;
  let waiting: readonly Waiting[] = [];
  let reloadAll = options.known;
  let refreshVolumes = options.known;
  let ending: { done: Promise<void>; shorten(seconds: number): void } | undefined;
  const dead = new Set<string>();
  const told = new Set<string>();
  const leaving = new AbortController();

  const loop = createWakeLoop({
    look: sync,
    onError: (error) => log("pod sync failed", { pod: podKey(pod), error: (error as Error).stack }),
    now,
  });
  const { wake, wakeAt } = loop;

  const cache = createPodCache(runtime, context.files, uid);
  const report = createPodReport(context, { pod: () => pod, removed: () => removed, cache, writer });
  const parts: PodParts = {
    context,
    uid,
    pod: () => pod,
    podIP: () =>
      pod.spec?.hostNetwork ? facts.addresses[0]! : (cache.sandbox?.ips[0] ?? report.podIPs[0] ?? ""),
    cache,
    events: podEvents(context.events, () => pod),
    volumes: createPodVolumes(context, uid),
    leaving: leaving.signal,
    wake,
  };
  const { events, volumes } = parts;
  const sandboxes = createPodSandboxes(parts);
  const containers = createPodContainers(parts, sandboxes, (id) => void dead.add(id));
  const resizes = createPodResizes(parts, options.lackOfRoom);
  const probes = createPodProbes(parts, options.known);

  function state(): PodState {
    const { failures, stopping, hooking } = containers;
    return {
      sandbox: cache.sandbox,
      containers: cache.containers,
      probes: probes.results(),
      failures,
      stopping,
      hooking,
      resized: resizes.resized,
      resizePending: resizes.pending,
    };
  }

  /** A verdict is told when nothing runs any more. */
  const publish = (): Promise<void> =>
    report.publish({
      state: state(),
      waiting,
      started,
      ended,
      verdict: ended ? verdict : undefined,
      rejected,
    });

  /** Brings the cache up to date with what was told of the runtime. */
  async function look(): Promise<void> {
    if (reloadAll) {
      reloadAll = false;
      await cache.reload();
      // Made and never started: left by a process that died in between.
      for (const c of cache.containers) {
        if (c.state !== "created") continue;
        await runtime.removeContainer(c.id);
        cache.drop(c.id);
      }
    }
    for (const id of [...dead]) {
      dead.delete(id);
      await cache.awaitExit(id);
    }
  }

  function tellBackOff(plan: Plan): void {
    for (const w of plan.waiting) {
      const key = `${w.name}/${w.until}`;
      if (told.has(key)) continue;
      if (told.size > 100) told.clear();
      told.add(key);
      const spec = allContainers(pod).find((c) => c.container.name === w.name);
      if (spec) events.of(spec).warning("BackOff", w.event);
    }
  }

  /** When the pod has run for as long as it may; undefined: no such limit. */
  const deadline = (): number | undefined =>
    pod.spec?.activeDeadlineSeconds === undefined
      ? undefined
      : started + pod.spec.activeDeadlineSeconds * 1000;

  /** Asks once whether the pod may run here. */
  async function refused(): Promise<boolean> {
    if (admitted) return false;
    admitted = true;
    const phase = pod.status?.phase;
    const refusal = phase === "Failed" || phase === "Succeeded" ? undefined : await options.admit(pod);
    if (!refusal) return false;
    verdict = { reason: refusal.reason, message: refusal.message };
    rejected = true;
    ended = true;
    events.warning(refusal.reason, refusal.message.replace("Pod was rejected: ", ""));
    return true;
  }

  async function sync(): Promise<void> {
    await look();
    if (started === 0) started = now();
    if (ending) {
      // A pod on its way out still says whether it is ready.
      if (!ended) void publish();
      return;
    }
    if (removed || pod.metadata.deletionTimestamp) return end();
    if (await refused()) {
      void publish();
      return;
    }
    if (verdict) {
      if (!rejected && !settled) return end();
      void publish();
      return;
    }
    if (excess !== undefined && !report.isFinal) {
      verdict = { reason: "Evicted", message: excess };
      evicted = true;
      events.warning(verdict.reason, verdict.message);
      return end();
    }
    const until = deadline();
    if (until !== undefined && until <= now() && !report.isFinal) {
      verdict = {
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      };
      events.normal("DeadlineExceeded", verdict.message);
      return end();
    }
    if (refreshVolumes && !report.isFinal) await updateVolumes();
    const { status } = report;
    const seen = status ? ({ ...pod, status: { ...pod.status, phase: status.phase } } as Pod) : pod;
    const plan = decide(seen, state(), containers.backOff, now());
    waiting = plan.waiting;
    if (plan.finished) {
      if (!settled || cache.sandbox?.ready) return end();
      void publish();
      return;
    }
    tellBackOff(plan);
    for (const k of plan.kill) void containers.kill(k);
    await resizes.carryOut(plan.resize);
    const retry = earliest(await carryOut(plan), resizes.pending ? now() + resizeRetryMs : undefined);
    probes.sync(containers.hooking);
    if (!plan.newSandbox) void publish();
    const refresh = volumes.nextRefresh();
    if (refresh !== undefined && refresh <= now()) refreshVolumes = true;
    wakeAt(earliest(plan.wakeAt, retry, until, refresh));
  }

  /** Makes the sandbox or starts containers; resolves with the time to try again what could not be done. */
  async function carryOut(plan: Plan): Promise<number | undefined> {
    if (plan.newSandbox) {
      for (const c of firstToStart(pod)) containers.prefetch(c);
      void publish();
      const [made, mounted] = await Promise.all([sandboxes.make(), volumes.prepare(pod, events)]);
      if (made) wake();
      return earliest(made ? undefined : sandboxes.retryAt, mounted ? undefined : volumes.retryAt);
    }
    if (plan.start.length === 0) return undefined;
    if (!(await volumes.prepare(pod, events))) return volumes.retryAt;
    let whole = true;
    for (const start of plan.start) {
      if (leaving.signal.aborted) break;
      if (now() - report.at > stalestStatusMs) void publish();
      if (await containers.start(start)) wake();
      else whole = false;
      probes.sync(containers.hooking);
    }
    if (whole) containers.endRound();
    return undefined;
  }

  async function updateVolumes(): Promise<void> {
    refreshVolumes = false;
    volumes.retryNow();
    if (options.known) await volumes.prepare(pod, events);
    for (const [name, f] of containers.failures)
      if (f.reason === "CreateContainerConfigError") containers.failures.delete(name);
    await volumes.update(pod);
  }

  function end(): void {
    const deleted = removed || pod.metadata.deletionTimestamp !== undefined;
    probes.stopAllButReadiness();
    ending = endPod(parts, {
      removed: () => removed,
      deleted,
      evicted,
      graceSeconds: removed ? forcedGraceSeconds : evicted ? evictedGraceSeconds : graceSeconds(pod),
      stopping: containers.stopping,
      wasReady: report.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
      publish: (final) => {
        if (final) ended = deleted || verdict !== undefined;
        return publish();
      },
    });
    ending.done
      .then(() => {
        probes.stop();
        context.objects.release(uid);
        if (deleted) {
          gone = true;
          loop.end();
          context.images.forget(uid);
          options.onGone(uid);
          return;
        }
        // Finished, not deleted: its containers stay for their logs until the pod goes.
        settled = true;
        ending = undefined;
        if (pod.metadata.deletionTimestamp || removed) wake();
      })
      .catch((error) => {
        log("pod not ended", { pod: podKey(pod), error: (error as Error).message });
        ending = undefined;
        wakeAt(now() + 1000);
      });
  }

  wake();
  return {
    get pod() {
      return pod;
    },
    view: report.view,
    get active() {
      return !verdict && excess === undefined && !report.isFinal && !gone;
    },
    update(next) {
      // What the downward API shows, and containers that came later with references of their own.
      const shown = ({ metadata, spec }: Pod): string =>
        JSON.stringify([metadata.labels, metadata.annotations, spec?.ephemeralContainers?.length]);
      if (shown(next) !== shown(pod)) refreshVolumes = true;
      pod = next;
      if (next.metadata.deletionTimestamp) leaving.abort();
      const grace = next.metadata.deletionGracePeriodSeconds;
      if (ending && grace !== undefined) ending.shorten(grace);
      wake();
    },
    remove(last) {
      pod = last;
      removed = true;
      leaving.abort();
      ending?.shorten(forcedGraceSeconds);
      wake();
    },
    died(id) {
      const known = cache.containers.some((c) => c.id === id) || cache.sandboxes.some((s) => s.id === id);
      if (!known) {
        containers.diedEarly(id);
        return;
      }
      dead.add(id);
      wake();
    },
    objectsChanged() {
      refreshVolumes = true;
      wake();
    },
    evict(message) {
      excess ??= message;
      leaving.abort();
      wake();
    },
    reload() {
      reloadAll = true;
      wake();
    },
    leave() {
      loop.end();
      probes.stop();
    },
    get sandboxId() {
      return cache.sandbox?.ready ? cache.sandbox.id : undefined;
    },
    runningContainer: (name) => cache.containers.find((c) => c.name === name && c.state === "running")?.id,
    running: () => cache.containers.filter((c) => c.state === "running"),
    container: (id) => cache.containers.find((c) => c.id === id),
  };
}
