// Writes pod statuses to the API: at once, one write of a pod under way at a time, the newest wins (kubelet status manager).
import type { KubeClient } from "../../../control/client/mod.ts";
import { pods } from "../../../core/api/refs.ts";
import { isConflict, isNotFound, StatusError } from "../../../core/api/status.ts";
import type { Pod, PodStatus } from "../../../core/api/types.ts";

export interface StatusWriter {
  /** Queues the status; resolves when it, or a newer one, is written or given up because the pod is gone. */
  write(pod: Pod, status: PodStatus): Promise<void>;
  /** Tells of the pod as the API has it: what somebody else made of its readiness meanwhile is set right. */
  seen(pod: Pod): void;
  /** What was written or queued last for the pod. */
  last(uid: string): PodStatus | undefined;
  forget(uid: string): void;
}

interface Entry {
  pod: Pod;
  wanted: PodStatus;
  written: string | undefined;
  going: Promise<void> | undefined;
  /** resourceVersion of the last answer. */
  revision: number;
  /** The API has something else than what was written. */
  spoilt: boolean;
  /** The news that the pod runs was held back once. */
  held: boolean;
}

const retryMs = { first: 50, most: 2000 };

/**
 * Milliseconds by which it is told later that a pod for one interactive session runs (`kubectl run -i` makes such pods).
 * kubectl attaches when it hears of it, and output from before is lost to it; it prints the logs of a pod that it hears to
 * have ended. So a command that ends at once is told to have ended, as it is where the news takes its time anyway.
 */
const sessionMs = 500;

const isSession = (pod: Pod): boolean =>
  pod.spec?.containers.some((c) => c.stdin === true && c.stdinOnce === true) ?? false;

const readiness = (status: PodStatus | undefined): string | undefined =>
  status?.conditions?.find((c) => c.type === "Ready")?.status;

/** Fields that a status may lose: a merge leaves them unless they are said to be null. */
const optionalFields = [
  "reason",
  "message",
  "podIP",
  "podIPs",
  "initContainerStatuses",
  "ephemeralContainerStatuses",
];

/** A strategic merge patch that makes the stored status this one, other writers' conditions aside. */
function patchOf(status: PodStatus, before: string | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = { ...status };
  for (const field of optionalFields) if (!(field in body)) body[field] = null;
  // Conditions merge by type: what an old one had and the new one lacks must be said.
  const last = before === undefined ? undefined : (JSON.parse(before) as PodStatus);
  const types = new Set(status.conditions?.map((c) => c.type));
  const lapsed = (last?.conditions ?? []).filter((c) => !types.has(c.type));
  body.conditions = [
    ...(status.conditions ?? []).map((c) => ({ reason: null, message: null, ...c })),
    ...lapsed.map((c) => ({ type: c.type, $patch: "delete" })),
  ];
  const old = last?.podIPs;
  // Addresses merge by ip: a new set has to take the old one's place.
  if (old && status.podIPs && JSON.stringify(old) !== JSON.stringify(status.podIPs))
    body.podIPs = [...status.podIPs, { $patch: "replace" }];
  return body;
}

export function createStatusWriter(
  client: KubeClient,
  options: { wrote(pod: Pod): void; log(message: string, detail?: object): void; sessionMs?: number },
): StatusWriter {
  const entries = new Map<string, Entry>();

  async function send(uid: string, entry: Entry): Promise<void> {
    const { namespace, name = "" } = entry.pod.metadata;
    let delay = retryMs.first;
    while (entries.get(uid) === entry) {
      if (!entry.held && entry.wanted.phase === "Running" && isSession(entry.pod)) {
        entry.held = true;
        await new Promise((resolve) => setTimeout(resolve, options.sessionMs ?? sessionMs));
        continue;
      }
      const status = entry.wanted;
      const text = JSON.stringify(status);
      if (text === entry.written && !entry.spoilt) return;
      entry.spoilt = false;
      const body = patchOf(status, entry.written);
      try {
        const answer = await client.patch(
          pods,
          name,
          { metadata: { uid }, status: body },
          { namespace, subresource: "status", type: "strategic", fieldManager: "kubelet" },
        );
        entry.written = text;
        entry.revision = Number(answer.metadata?.resourceVersion ?? 0);
        options.wrote(answer);
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return;
        options.log("pod status not written", {
          pod: `${namespace}/${name}`,
          error: (error as Error).message,
        });
        // The API does not take this status as it is: the next one may do better.
        if (error instanceof StatusError && error.code >= 400 && error.code < 500 && error.code !== 429) {
          entry.written = text;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, delay));
        delay = Math.min(delay * 2, retryMs.most);
      }
    }
  }

  function start(uid: string, entry: Entry): Promise<void> {
    entry.going = send(uid, entry).finally(() => {
      entry.going = undefined;
    });
    return entry.going;
  }

  return {
    write(pod, status) {
      const uid = pod.metadata.uid!;
      let entry = entries.get(uid);
      if (!entry) {
        entry = {
          pod,
          wanted: status,
          written: undefined,
          going: undefined,
          revision: 0,
          spoilt: false,
          held: false,
        };
        entries.set(uid, entry);
      }
      entry.pod = pod;
      entry.wanted = status;
      // The loop under way looks at `wanted` again before it ends.
      return entry.going ?? start(uid, entry);
    },
    seen(pod) {
      const uid = pod.metadata.uid!;
      const entry = entries.get(uid);
      if (!entry || entry.going || entry.written === undefined) return;
      if (!(Number(pod.metadata.resourceVersion) > entry.revision)) return;
      // A node that was out of reach for a while finds its pods declared not ready.
      if (readiness(pod.status) === readiness(entry.wanted)) return;
      entry.spoilt = true;
      void start(uid, entry);
    },
    last: (uid) => entries.get(uid)?.wanted,
    forget: (uid) => void entries.delete(uid),
  };
}
