// What the runtime has of one pod, kept current by asking for exactly what changed; and the last words of its dead.

import type { PodFiles } from "../content/mod.ts";
import {
  containerAnnotations,
  type PodRuntime,
  type RuntimeContainer,
  type Sandbox,
} from "../runtime/mod.ts";

export interface PodCache {
  readonly sandbox: Sandbox | undefined;
  readonly containers: readonly RuntimeContainer[];
  /** Termination messages by container id. */
  readonly messages: ReadonlyMap<string, string>;
  /** Every sandbox the runtime still has of this pod, newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** Asks for everything. */
  reload(): Promise<void>;
  refreshContainer(id: string): Promise<RuntimeContainer | undefined>;
  /** Waits until the runtime says that a container or sandbox is dead: its event may be ahead of its books. */
  awaitExit(id: string): Promise<void>;
  refreshSandbox(id: string): Promise<Sandbox | undefined>;
  drop(containerId: string): void;
  dropSandbox(id: string): void;
  clear(): void;
}

const maxMessage = 4096;
const maxLogMessage = { bytes: 2048, lines: 80 };

/** The text of CRI log lines (`time stream P|F text`), joined. */
export function logText(raw: string): string {
  let text = "";
  for (const line of raw.split("\n")) {
    const m = /^\S+ (?:stdout|stderr) (P|F)(?::\S*)?(?: (.*))?$/.exec(line);
    // A part ends no line: also the last words of a program that wrote no newline.
    if (m) text += `${m[2] ?? ""}${m[1] === "F" ? "\n" : ""}`;
  }
  const lines = text.split(/(?<=\n)/);
  const end = lines.slice(-maxLogMessage.lines).join("");
  return Buffer.from(end, "utf8").subarray(-maxLogMessage.bytes).toString("utf8");
}

export function createPodCache(runtime: PodRuntime, files: PodFiles, uid: string): PodCache {
  let sandboxes: Sandbox[] = [];
  const containers = new Map<string, RuntimeContainer>();
  const messages = new Map<string, string>();

  async function readMessage(c: RuntimeContainer): Promise<void> {
    if (messages.has(c.id)) return;
    const path = c.annotations[containerAnnotations.terminationLog];
    let text = path ? ((await files.readTail(path, maxMessage).catch(() => undefined)) ?? "") : "";
    const policy = c.annotations[containerAnnotations.terminationMessagePolicy];
    if (text === "" && policy === "FallbackToLogsOnError" && c.exitCode !== 0 && c.logPath)
      text = logText((await files.readTail(c.logPath, maxLogMessage.bytes * 4).catch(() => undefined)) ?? "");
    messages.set(c.id, text);
  }

  async function put(c: RuntimeContainer, sandboxId: string): Promise<void> {
    if (c.state === "exited") await readMessage(c);
    containers.set(c.id, { ...c, sandboxId });
  }

  async function refreshContainer(id: string): Promise<RuntimeContainer | undefined> {
    const status = await runtime.containerStatus(id);
    if (!status) {
      containers.delete(id);
      return undefined;
    }
    // CRI's ContainerStatus does not say which sandbox it belongs to.
    const sandboxId = containers.get(id)?.sandboxId ?? sandboxes[0]?.id ?? "";
    await put(status, sandboxId);
    return containers.get(id);
  }

  async function refreshSandbox(id: string): Promise<Sandbox | undefined> {
    const status = await runtime.sandboxStatus(id);
    sandboxes = sandboxes.filter((s) => s.id !== id);
    if (status) sandboxes = [status, ...sandboxes].sort((a, b) => b.createdAt - a.createdAt);
    return status;
  }

  return {
    get sandbox() {
      return sandboxes[0];
    },
    get containers() {
      return [...containers.values()];
    },
    messages,
    get sandboxes() {
      return sandboxes;
    },
    async reload() {
      const [boxes, list] = await Promise.all([runtime.listSandboxes(uid), runtime.listContainers(uid)]);
      const full = await Promise.all(boxes.map((b) => runtime.sandboxStatus(b.id)));
      sandboxes = full.filter((b) => b !== undefined).sort((a, b) => b.createdAt - a.createdAt);
      const seen = new Set(list.map((c) => c.id));
      for (const id of containers.keys()) if (!seen.has(id)) containers.delete(id);
      await Promise.all(
        list.map(async (c) => {
          const status = await runtime.containerStatus(c.id);
          if (status) await put(status, c.sandboxId);
        }),
      );
    },
    refreshContainer,
    async awaitExit(id) {
      const isSandbox = sandboxes.some((s) => s.id === id);
      for (let wait = 2; wait < 2000; wait *= 2) {
        const alive = isSandbox
          ? (await refreshSandbox(id))?.ready
          : ((await refreshContainer(id))?.state ?? "exited") !== "exited";
        if (!alive) return;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    },
    refreshSandbox,
    drop(id) {
      containers.delete(id);
      messages.delete(id);
    },
    dropSandbox(id) {
      sandboxes = sandboxes.filter((s) => s.id !== id);
    },
    clear() {
      sandboxes = [];
      containers.clear();
    },
  };
}
