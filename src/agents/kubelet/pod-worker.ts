// One pod's life on this node: a serial loop that looks at the pod as wanted and as it is, asks the pure `decide` what to
// do, does it, and says how it went. Deaths, probe verdicts, changed objects and time wake it; nothing polls.
import type { Pod, PodStatus } from "../../core/api/types.ts";
import type { Rejection } from "./admission.ts";
import { createBackOff } from "./back-off.ts";
import { StartError, startContainer } from "./container-start.ts";
import { stopContainer } from "./container-stop.ts";
import { decide, type Kill, type Plan, type Start, type Waiting } from "./decide.ts";
import { type KubeletContext, podKey, rfc3339 } from "./kubelet-context.ts";
import { createPodCache } from "./pod-cache.ts";
import { parseResolvConf, podResolvConf } from "./pod-dns.ts";
import { endPod } from "./pod-end.ts";
import { podEvents } from "./pod-events.ts";
import { pullSecrets } from "./pod-objects.ts";
import type { PodState, ProbeResults, StartFailure } from "./pod-state.ts";
import { podStatus } from "./pod-status.ts";
import { allContainers } from "./pod-text.ts";
import { createPodVolumes } from "./pod-volumes.ts";
import { type ProbeLoop, startProbes } from "./probes.ts";
import type { RuntimeContainer, RuntimeImage, SandboxConfig } from "./runtime.ts";
import { logDirectory, sandboxConfig } from "./sandbox-config.ts";
import type { StatusWriter } from "./status-writer.ts";

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
  /** Look at everything in the runtime again. */
  reload(): void;
  readonly sandboxId: string | undefined;
  runningContainer(name: string): string | undefined;
  container(id: string): RuntimeContainer | undefined;
}

export interface WorkerOptions {
  context: KubeletContext;
  writer: StatusWriter;
  pod: Pod;
  /** The runtime may have containers of this pod from before. */
  known: boolean;
  admit(pod: Pod): Rejection | undefined;
  /** The pod is off this node: forget the worker. */
  onGone(uid: string): void;
}

const volumeRetryMs = { first: 500, most: 120_000 };
const sandboxRetryMs = { first: 1000, most: 60_000 };

export function createPodWorker(options: WorkerOptions): PodWorker {
  const { context, writer } = options;
  const { runtime, facts, now, log } = context;
  const uid = options.pod.metadata.uid!;
  let pod = options.pod;
  let removed = false;
  let verdict: Rejection | undefined;
  let ended = false;
  let gone = false;
  let rejected = false;
  let admitted = options.known;
  let started = pod.status?.startTime ? Date.parse(pod.status.startTime as unknown as string) : 0;
  const events = podEvents(context.events, () => pod);
  const cache = createPodCache(runtime, context.files, uid);
  const volumes = createPodVolumes(context, uid);
  const backOff = createBackOff();
  const failures = new Map<string, StartFailure>();
  const stopping = new Set<string>();
  const hooking = new Set<string>();
  const probes = new Map<string, ProbeLoop>();
  const dead = new Set<string>();
  const told = new Set<string>();
  /** Ids that died while a start was under way: maybe the one being started. */
  const early = new Set<string>();
  let starting = 0;
  let settled = false;
  let waiting: readonly Waiting[] = [];
  let podIPs: string[] = pod.status?.podIPs?.map((p) => p.ip!) ?? [];
  let reloadAll = options.known;
  let refreshVolumes = false;
  let volumeTry = { at: 0, delay: volumeRetryMs.first };
  let sandboxTry = { at: 0, delay: sandboxRetryMs.first };
  let status: PodStatus | undefined;
  let ending: { done: Promise<void>; shorten(seconds: number): void } | undefined;

  let dirty = false;
  let running = false;
  let timer: NodeJS.Timeout | undefined;

  function wake(): void {
    dirty = true;
    if (running || gone) return;
    running = true;
    void loop();
  }

  async function loop(): Promise<void> {
    while (dirty && !gone) {
      dirty = false;
      clearTimeout(timer);
      try {
        await sync();
      } catch (error) {
        log("pod sync failed", { pod: podKey(pod), error: (error as Error).stack });
        wakeAt(now() + 1000);
      }
    }
    running = false;
    if (dirty) wake();
  }

  function wakeAt(at: number | undefined): void {
    clearTimeout(timer);
    if (at === undefined) return;
    timer = setTimeout(wake, Math.min(Math.max(0, at - now()), 2 ** 31 - 1));
  }

  function state(): PodState {
    const results = new Map<string, ProbeResults>();
    for (const [id, p] of probes) results.set(id, p.results);
    return {
      sandbox: cache.sandbox,
      containers: cache.containers,
      probes: results,
      failures,
      stopping,
      hooking,
    };
  }

  function computeStatus(): PodStatus {
    if (cache.sandbox && cache.sandbox.ips.length > 0) podIPs = cache.sandbox.ips;
    return podStatus({
      pod: status ? { ...pod, status: { ...status, conditions: mergedConditions() } } : pod,
      state: state(),
      waiting,
      messages: cache.messages,
      hostIP: facts.address,
      startTime: rfc3339(started),
      ended,
      verdict,
      rejected,
      podIPs,
      now: rfc3339(now()),
    });
  }

  /** Own conditions as written last, others' (readiness gates) as the API has them. */
  function mergedConditions(): PodStatus["conditions"] {
    const own = status?.conditions ?? [];
    const types = new Set(own.map((c) => c.type));
    return [...own, ...(pod.status?.conditions ?? []).filter((c) => !types.has(c.type))];
  }

  function publish(): Promise<void> {
    status = computeStatus();
    return removed ? Promise.resolve() : writer.write(pod, status);
  }

  const podIP = (): string =>
    pod.spec?.hostNetwork ? facts.address : (cache.sandbox?.ips[0] ?? podIPs[0] ?? "");

  // ---- looking

  async function look(): Promise<void> {
    if (reloadAll) {
      reloadAll = false;
      await cache.reload();
      for (const c of cache.containers) if (c.state === "created") await discard(c);
    }
    for (const id of [...dead]) {
      dead.delete(id);
      if (cache.sandboxes.some((s) => s.id === id)) await cache.refreshSandbox(id);
      else await cache.awaitExit(id);
    }
  }

  /** A container that was made and never started: left by a process that died in between. */
  async function discard(c: RuntimeContainer): Promise<void> {
    await runtime.removeContainer(c.id);
    cache.drop(c.id);
  }

  // ---- acting

  function dnsConfig(): SandboxConfig["dnsConfig"] {
    const host = parseResolvConf(context.hostFiles.resolvConf);
    const { dnsAddress, domain } = facts.cluster;
    return podResolvConf(pod, { host, clusterServer: dnsAddress, domain });
  }

  function configOf(attempt: number): SandboxConfig {
    return sandboxConfig(pod, attempt, {
      podLogDir: facts.podLogDir,
      cgroupRoot: facts.cgroupRoot,
      domain: facts.cluster.domain,
      dns: dnsConfig()!,
    });
  }

  async function prepareVolumes(): Promise<boolean> {
    if (volumes.ready) return true;
    if (volumeTry.at > now()) return false;
    try {
      await volumes.setUp(pod);
      volumeTry = { at: 0, delay: volumeRetryMs.first };
      return true;
    } catch (error) {
      events.warning("FailedMount", (error as Error).message);
      volumeTry = {
        at: now() + volumeTry.delay,
        delay: Math.min(volumeTry.delay * 2, volumeRetryMs.most),
      };
      return false;
    }
  }

  /** Makes a sandbox; what is left of older ones goes first. */
  async function makeSandbox(): Promise<boolean> {
    if (sandboxTry.at > now()) return false;
    const attempt = cache.sandbox ? cache.sandbox.attempt + 1 : 0;
    for (const c of cache.containers)
      if (c.state === "running") await runtime.stopContainer(c.id, 0).then(() => cache.awaitExit(c.id));
    for (const s of cache.sandboxes) await runtime.stopSandbox(s.id);
    if (attempt > 0)
      events.normal("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    try {
      await context.files.makeDirectory(logDirectory(facts.podLogDir, pod), 0o755);
      const id = await context.sandboxGate.run(() => runtime.runSandbox(configOf(attempt)));
      await cache.refreshSandbox(id);
      sandboxTry = { at: 0, delay: sandboxRetryMs.first };
      return true;
    } catch (error) {
      const text = `Failed to create pod sandbox: rpc error: code = Unknown desc = ${(error as Error).message}`;
      events.warning("FailedCreatePodSandBox", text);
      sandboxTry = {
        at: now() + sandboxTry.delay,
        delay: Math.min(sandboxTry.delay * 2, sandboxRetryMs.most),
      };
      // What the failed call left behind is found and removed.
      await cache.reload().catch(() => undefined);
      return false;
    }
  }

  const images = new Map<string, Promise<RuntimeImage>>();
  /** The image of a container, asked for once a start: while the sandbox is being made already. */
  function imageFor(start: { container: Start["container"]; kind: Start["kind"] }): Promise<RuntimeImage> {
    const { name } = start.container;
    let image = images.get(name);
    if (!image) {
      image = context.images.ensure(pod, start.container, {
        events: events.of(start),
        secrets: pullSecrets(context, pod),
      });
      image.catch(() => undefined);
      images.set(name, image);
    }
    return image;
  }

  async function begin(start: Start): Promise<void> {
    const { name } = start.container;
    const sandbox = cache.sandbox!;
    if (start.after) backOff.next(name, start.after.finishedAt, now());
    const target = (start.container as { targetContainerName?: string }).targetContainerName;
    let startedId: string | undefined;
    starting++;
    try {
      await startContainer(context, {
        pod,
        start,
        sandbox,
        sandboxConfig: configOf(sandbox.attempt),
        volumes,
        events,
        image: imageFor(start),
        targetId: target ? worker.runningContainer(target) : undefined,
        onStarted(id) {
          startedId = id;
          if (start.container.lifecycle?.postStart) hooking.add(id);
        },
      });
      await cache.refreshContainer(startedId!);
      failures.delete(name);
      hooking.delete(startedId!);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      const id = error.containerId;
      failures.set(name, { reason: error.reason, message: error.message, retryAt: error.retryAt });
      if (id !== undefined) {
        hooking.delete(id);
        const c = await cache.refreshContainer(id);
        if (c?.state === "running")
          void kill({ container: c, name, message: "FailedPostStartHook" }, graceSeconds());
      }
    } finally {
      images.delete(name);
      starting--;
      if (startedId && early.has(startedId)) dead.add(startedId);
      if (starting === 0) early.clear();
    }
    await forgetOldDead(name);
  }

  /** Of a container's dead only the two newest stay, for `--previous` and lastState. */
  async function forgetOldDead(name: string): Promise<void> {
    const old = cache.containers
      .filter((c) => c.name === name && c.state === "exited")
      .sort((a, b) => b.createdAt - a.createdAt)
      .slice(2);
    for (const c of old) {
      await runtime.removeContainer(c.id);
      cache.drop(c.id);
      if (c.logPath) await context.files.removeTree(c.logPath);
    }
  }

  function graceSeconds(): number {
    return pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
  }

  async function kill(k: Kill, grace: number): Promise<void> {
    stopping.add(k.container.id);
    try {
      await stopContainer(context, {
        pod,
        spec: allContainers(pod).find((c) => c.container.name === k.name),
        container: k.container,
        message: k.message,
        graceSeconds: grace,
        podIP: podIP(),
        events,
      });
      await cache.awaitExit(k.container.id);
    } catch (error) {
      log("container not stopped", { pod: podKey(pod), container: k.name, error: (error as Error).message });
      await new Promise((resolve) => setTimeout(resolve, 1000));
    } finally {
      stopping.delete(k.container.id);
      wake();
    }
  }

  function killByProbe(k: Kill): void {
    const spec = allContainers(pod).find((c) => c.container.name === k.name)?.container;
    const own = k.probe ? spec?.[`${k.probe}Probe`]?.terminationGracePeriodSeconds : undefined;
    void kill(k, own ?? graceSeconds());
  }

  function syncProbes(): void {
    const live = new Map(cache.containers.filter((c) => c.state === "running").map((c) => [c.id, c]));
    for (const [id, loop] of probes) {
      if (live.has(id)) continue;
      loop.stop();
      probes.delete(id);
    }
    for (const c of live.values()) {
      if (probes.has(c.id) || hooking.has(c.id)) continue;
      const spec = allContainers(pod).find((s) => s.container.name === c.name);
      if (!spec || spec.kind === "ephemeral") continue;
      const { container } = spec;
      if (!container.startupProbe && !container.livenessProbe && !container.readinessProbe) continue;
      const loop = startProbes({
        pod,
        container,
        containerId: c.id,
        startedAt: c.startedAt || c.createdAt,
        context: { podIP: podIP(), runtime, client: context.probes },
        onResult: wake,
        onUnhealthy: (message) => events.of(spec).warning("Unhealthy", message),
      });
      // A container that was ready before this process was restarted stays ready until a probe says otherwise.
      const before = options.known
        ? [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
            (s) => s.containerID === `containerd://${c.id}`,
          )
        : undefined;
      if (before?.started && container.startupProbe) loop.results.startup = true;
      if (before?.ready && container.readinessProbe) loop.results.readiness = true;
      probes.set(c.id, loop);
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

  function deadline(): number | undefined {
    const seconds = pod.spec?.activeDeadlineSeconds;
    return seconds === undefined ? undefined : started + seconds * 1000;
  }

  const earliest = (...times: (number | undefined)[]): number | undefined => {
    const set = times.filter((t) => t !== undefined);
    return set.length > 0 ? Math.min(...set) : undefined;
  };

  // ---- the loop's body

  async function sync(): Promise<void> {
    await look();
    if (started === 0) started = now();
    if (ending) return;
    if (removed || pod.metadata.deletionTimestamp) return end();
    if (!admitted) {
      admitted = true;
      const finished = pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
      const refused = finished ? undefined : options.admit(pod);
      if (refused) {
        verdict = refused;
        rejected = true;
        ended = true;
        events.warning(refused.reason, refused.message.replace("Pod was rejected: ", ""));
        void publish();
        return;
      }
    }
    if (verdict) return void publish();
    const until = deadline();
    if (until !== undefined && until <= now() && !isFinal()) {
      verdict = {
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      };
      events.normal("DeadlineExceeded", verdict.message);
      return end();
    }
    if (refreshVolumes) {
      refreshVolumes = false;
      volumeTry.at = 0;
      for (const [name, f] of failures) if (f.reason === "CreateContainerConfigError") failures.delete(name);
      await volumes.update(pod);
    }
    const effective = status ? { ...pod, status: { ...pod.status, phase: status.phase } } : pod;
    const plan = decide(effective as Pod, state(), backOff, now());
    waiting = plan.waiting;
    if (plan.finished) {
      if (settled && !cache.sandbox?.ready) return void publish();
      return end();
    }
    tellBackOff(plan);
    for (const k of plan.kill) killByProbe(k);

    let retry: number | undefined;
    if (plan.newSandbox) {
      const first = firstToStart();
      for (const c of first) void imageFor(c);
      void publish();
      const [made, mounted] = await Promise.all([makeSandbox(), prepareVolumes()]);
      if (made) dirty = true;
      else retry = sandboxTry.at;
      if (!mounted) retry = earliest(retry, volumeTry.at);
    } else if (plan.start.length > 0) {
      if (await prepareVolumes()) {
        for (const start of plan.start) {
          if (pod.metadata.deletionTimestamp || removed) break;
          await begin(start);
        }
        dirty = true;
      } else retry = volumeTry.at;
    }
    syncProbes();
    if (!plan.newSandbox) void publish();
    wakeAt(earliest(plan.wakeAt, retry, until, volumes.nextRefresh()));
    const refresh = volumes.nextRefresh();
    if (refresh !== undefined && refresh <= now()) refreshVolumes = true;
  }

  const isFinal = (): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

  /** What is started first in a new sandbox: the first init container, or every main one. */
  function firstToStart(): { container: Start["container"]; kind: Start["kind"] }[] {
    const all = allContainers(pod);
    const init = all.find((c) => c.kind === "init");
    return init ? [init] : all.filter((c) => c.kind === "main");
  }

  function end(): void {
    const deleted = removed || pod.metadata.deletionTimestamp !== undefined;
    for (const p of probes.values()) p.stopAllButReadiness();
    ending = endPod({
      context,
      cache,
      events,
      pod: () => pod,
      removed: () => removed,
      deleted,
      graceSeconds: deleted || verdict ? graceSeconds() : (pod.spec?.terminationGracePeriodSeconds ?? 30),
      podIP: podIP(),
      stopping,
      wasReady: status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
      publish: (final) => {
        if (final) ended = deleted || verdict !== undefined;
        return publish();
      },
      podDir: volumes.podDir,
    });
    void ending.done
      .then(() => {
        for (const p of probes.values()) p.stop();
        probes.clear();
        ending = undefined;
        if (!deleted) {
          settled = true;
          // Finished, not deleted: its containers stay for their logs until the pod goes.
          if (pod.metadata.deletionTimestamp || removed) wake();
          return;
        }
        gone = true;
        clearTimeout(timer);
        context.images.forget(uid);
        options.onGone(uid);
      })
      .catch((error) => {
        log("pod not ended", { pod: podKey(pod), error: (error as Error).message });
        ending = undefined;
        wakeAt(now() + 1000);
      });
  }

  const worker: PodWorker = {
    get pod() {
      return pod;
    },
    view() {
      return status ? { ...pod, status: { ...status, conditions: mergedConditions()! } } : pod;
    },
    get active() {
      return !verdict && !isFinal() && !gone;
    },
    update(next) {
      const before = pod;
      pod = next;
      const labels = JSON.stringify([next.metadata.labels, next.metadata.annotations]);
      if (labels !== JSON.stringify([before.metadata.labels, before.metadata.annotations]))
        refreshVolumes = true;
      const grace = next.metadata.deletionGracePeriodSeconds;
      if (ending && grace !== undefined) ending.shorten(grace);
      wake();
    },
    remove(last) {
      pod = last;
      removed = true;
      if (ending) ending.shorten(last.metadata.deletionGracePeriodSeconds ?? 1);
      wake();
    },
    died(id) {
      const known = cache.containers.some((c) => c.id === id) || cache.sandboxes.some((s) => s.id === id);
      if (!known) {
        if (starting > 0) early.add(id);
        return;
      }
      dead.add(id);
      wake();
    },
    objectsChanged() {
      refreshVolumes = true;
      wake();
    },
    reload() {
      reloadAll = true;
      wake();
    },
    get sandboxId() {
      return cache.sandbox?.ready ? cache.sandbox.id : undefined;
    },
    runningContainer(name) {
      return cache.containers.find((c) => c.name === name && c.state === "running")?.id;
    },
    container: (id) => cache.containers.find((c) => c.id === id),
  };
  wake();
  return worker;
}
