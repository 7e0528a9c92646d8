// Compares what the runtime has with what is believed and wanted: at the start for pods that nobody knows any more, each
// minute for deaths that were not told.

import { podDirectory, unmountImages } from "../content/mod.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodWorker } from "./worker.ts";

export interface RuntimeAudit {
  /** Removes sandboxes, logs and files of pods that are not `wanted` (uids) and have no worker. */
  removeStrays(wanted: ReadonlySet<string>): Promise<void>;
  /** Has the workers look again whose beliefs differ from the runtime's listing. */
  relist(): Promise<void>;
}

/** `workers` by pod uid, live. */
export function createRuntimeAudit(
  context: Pick<KubeletContext, "runtime" | "files" | "imageMounts" | "facts" | "log">,
  workers: ReadonlyMap<string, PodWorker>,
): RuntimeAudit {
  const { runtime, files, facts, log } = context;

  /** Sandboxes whose pod the API does not know: a pod deleted by force while this process was away. */
  async function removeStrays(wanted: ReadonlySet<string>): Promise<void> {
    for (const s of await runtime.listSandboxes()) {
      if (wanted.has(s.podUid) || workers.has(s.podUid)) continue;
      try {
        for (const c of await runtime.listContainers(s.podUid))
          if (c.state === "running") await runtime.stopContainer(c.id, 1);
        await runtime.stopSandbox(s.id);
        await runtime.removeSandbox(s.id);
        await files.removeTree(`${facts.podLogDir}/${s.podNamespace}_${s.podName}_${s.podUid}`);
      } catch (error) {
        log("stray pod not removed", {
          pod: `${s.podNamespace}/${s.podName}`,
          error: (error as Error).message,
        });
      }
    }
    for (const uid of await files.list(`${facts.rootDir}/pods`)) {
      if (wanted.has(uid) || workers.has(uid)) continue;
      const podDir = podDirectory(facts.rootDir, uid);
      await unmountImages(context, podDir);
      await files.removeTree(podDir);
    }
  }

  /** The safety net under the event stream: compares what workers believe with what the runtime says. */
  async function relist(): Promise<void> {
    const [boxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
    const suspects = new Set<string>();
    const box = new Map(boxes.map((b) => [b.id, b]));
    const listed = new Map(containers.map((c) => [c.id, c]));
    for (const c of containers) {
      const believed = workers.get(c.podUid)?.container(c.id);
      if (workers.has(c.podUid) && believed?.state !== c.state) suspects.add(c.podUid);
    }
    for (const [uid, w] of workers) {
      if (w.sandboxId !== undefined && !box.get(w.sandboxId)?.ready) suspects.add(uid);
      for (const name of w.pod.spec?.containers ?? []) {
        const id = w.runningContainer(name.name);
        if (id !== undefined && !listed.has(id)) suspects.add(uid);
      }
    }
    for (const uid of suspects) workers.get(uid)?.reload();
  }

  return { removeStrays, relist };
}
