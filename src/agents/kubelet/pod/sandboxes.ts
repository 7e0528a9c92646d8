// Makes a pod's sandbox, and anew when it was lost, with growing pauses after failures.

import { parseResolvConf, podResolvConf } from "../content/mod.ts";
import { podKey } from "../kubelet-context.ts";
import {
  logDirectory,
  NoRuntimeClass,
  NoUserNamespace,
  refuseUserNamespace,
  runtimeHandler,
  type SandboxConfig,
  sandboxConfig,
} from "../runtime/mod.ts";
import type { PodParts } from "./parts.ts";

export interface PodSandboxes {
  /** True: there is a fresh sandbox. False: try again at `retryAt`. */
  make(): Promise<boolean>;
  readonly retryAt: number;
  config(attempt: number): SandboxConfig;
}

const retryMs = { first: 1000, most: 60_000 };

export function createPodSandboxes(parts: PodParts): PodSandboxes {
  const { context, cache, events } = parts;
  const { runtime, facts, now, log } = context;
  let retryAt = 0;
  let pause = retryMs.first;

  function config(attempt: number): SandboxConfig {
    const host = parseResolvConf(context.hostFiles.resolvConf);
    const { dnsAddress, domain } = facts.cluster;
    return sandboxConfig(parts.pod(), attempt, {
      podLogDir: facts.podLogDir,
      cgroupRoot: facts.cgroupRoot,
      domain,
      dns: podResolvConf(parts.pod(), { host, clusterServer: dnsAddress, domain }),
    });
  }

  /** What is left of older sandboxes goes first. */
  async function clear(): Promise<void> {
    for (const c of cache.containers) {
      if (c.state !== "running") continue;
      await runtime.stopContainer(c.id, 0);
      await cache.awaitExit(c.id);
    }
    for (const s of cache.sandboxes) await runtime.stopSandbox(s.id);
    for (const s of cache.sandboxes.slice(1)) {
      await runtime.removeSandbox(s.id);
      cache.dropSandbox(s.id);
    }
  }

  return {
    get retryAt() {
      return retryAt;
    },
    config,
    async make() {
      if (retryAt > now()) return false;
      const attempt = cache.sandbox ? cache.sandbox.attempt + 1 : 0;
      try {
        await clear();
        if (attempt > 0)
          events.normal("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
        await context.files.makeDirectory(logDirectory(facts.podLogDir, parts.pod()), 0o755);
        const handler = await runtimeHandler(context.client, parts.pod());
        refuseUserNamespace(parts.pod(), handler);
        const id = await context.sandboxGate.run(() => runtime.runSandbox(config(attempt), handler));
        await cache.refreshSandbox(id);
        retryAt = 0;
        pause = retryMs.first;
        return true;
      } catch (error) {
        const { message } = error as Error;
        log("sandbox not made", { pod: podKey(parts.pod()), error: message });
        const said =
          error instanceof NoRuntimeClass || error instanceof NoUserNamespace
            ? message
            : `rpc error: code = Unknown desc = ${message}`;
        events.warning("FailedCreatePodSandBox", `Failed to create pod sandbox: ${said}`);
        retryAt = now() + pause;
        pause = Math.min(pause * 2, retryMs.most);
        // What the failed call left behind is found, and goes before the next try.
        await cache.reload().catch(() => undefined);
        return false;
      }
    },
  };
}
