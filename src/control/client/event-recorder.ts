// Records core/v1 Events as client-go's recorder does: repeats of one event count up in place, many similar ones are
// combined, a chatty object is throttled, and no caller ever waits (client-go tools/record).

import { apiVersionOf, events, type ResourceRef } from "../../core/api/refs.ts";
import { isAlreadyExists, isNotFound, StatusError } from "../../core/api/status.ts";
import { timestamp } from "../../core/api/timestamp.ts";
import type { CoreEvent, KubeObject } from "../../core/api/types.ts";
import type { KubeClient } from "./client.ts";

/** What an event is about: core/v1 ObjectReference. */
export interface EventSubject {
  apiVersion: string;
  kind: string;
  /** Absent for cluster-scoped objects; their events live in `default`. */
  namespace?: string;
  name: string;
  uid?: string;
  resourceVersion?: string;
  /** e.g. `spec.containers{nginx}`. */
  fieldPath?: string;
}

export interface EventRecorder {
  /** Queues the event, to be sent a moment later, and returns at once; when 1,000 wait, further ones are dropped. */
  record(subject: EventSubject, event: EventText): void;
  /** Resolves when everything queued so far was sent or given up. */
  flush(): Promise<void>;
}

export interface EventText {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export interface EventRecorderOptions {
  /** source.component and reportingComponent: "replicaset-controller", "kubelet"… */
  component: string;
  /** source.host and reportingInstance: the node's name for a kubelet. */
  host?: string;
  /** Milliseconds since the epoch. */
  now?(): number;
  onError?(error: unknown): void;
}

const maxQueue = 1000;
const maxCache = 4096;
const spamBurst = 25;
const spamRefillMs = 300_000;
const maxSimilar = 10;
const similarMs = 600_000;
const sendLimitMs = 30_000;
const retryMs = 1000;
const maxTries = 12;
/** Events tell what was done; doing comes first. On a small machine their writes would take a tenth of a pod's start. */
const lingerMs = 250;

/** The reference to an object as events carry it; kinds come from `ref` because list items may lack them. */
export function eventSubject(ref: ResourceRef, object: KubeObject, fieldPath?: string): EventSubject {
  const { namespace, name = "", uid, resourceVersion } = object.metadata;
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    ...(namespace ? { namespace } : {}),
    name,
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(fieldPath ? { fieldPath } : {}),
  };
}

/** A Map that forgets its least recently used entry beyond `max`. */
function touch<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
}

export function createEventRecorder(client: KubeClient, options: EventRecorderOptions): EventRecorder {
  const { component, host, now = Date.now, onError } = options;
  const tokens = new Map<string, { left: number; at: number }>();
  const similar = new Map<string, { messages: Set<string>; at: number }>();
  const seen = new Map<string, { name: string; count: number; first: string }>();
  const queue: { event: CoreEvent; repeat: boolean }[] = [];
  let sending: Promise<void> | undefined;
  let hurry: () => void = () => {};
  let lastNanos = 0n;

  /** Distinct and increasing nanoseconds for event names. */
  function nanos(): string {
    const t = BigInt(now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
    lastNanos = t > lastNanos ? t : lastNanos + 1n;
    return lastNanos.toString(16);
  }

  function throttled(key: string, at: number): boolean {
    const t = tokens.get(key) ?? { left: spamBurst, at };
    t.left = Math.min(spamBurst, t.left + (at - t.at) / spamRefillMs);
    t.at = at;
    touch(tokens, key, t, maxCache);
    if (t.left < 1) return true;
    t.left -= 1;
    return false;
  }

  /** The key under which repeats count, and the message: both shared by similar events once there are ten. */
  function aggregate(group: string, own: string, message: string, at: number): [string, string] {
    let s = similar.get(group);
    if (!s || at - s.at > similarMs) s = { messages: new Set(), at };
    s.at = at;
    s.messages.add(message);
    touch(similar, group, s, maxCache);
    if (s.messages.size < maxSimilar) return [own, message];
    s.messages.delete(s.messages.values().next().value!);
    return [group, `(combined from similar events): ${message}`];
  }

  function record(subject: EventSubject, text: EventText): void {
    const at = now();
    const { kind, name, uid = "", apiVersion, fieldPath = "" } = subject;
    const object = [kind, subject.namespace ?? "", name, uid, apiVersion].join("\0");
    if (throttled(object, at) || queue.length >= maxQueue) return;
    const group = [object, text.type, text.reason].join("\0");
    const own = [group, fieldPath, text.message].join("\0");
    const [key, message] = aggregate(group, own, text.message, at);
    const time = timestamp(at);
    const before = seen.get(key);
    const entry = before
      ? { ...before, count: before.count + 1 }
      : { name: `${name.slice(0, 236)}.${nanos()}`, count: 1, first: time };
    touch(seen, key, entry, maxCache);
    const event: CoreEvent = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: entry.name, namespace: subject.namespace ?? "default" },
      involvedObject: subject,
      reason: text.reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: entry.first,
      lastTimestamp: time,
      count: entry.count,
      type: text.type,
      reportingComponent: component,
      reportingInstance: host ?? "",
    };
    queue.push({ event, repeat: before !== undefined });
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
  }

  async function send(event: CoreEvent, repeat: boolean): Promise<void> {
    const namespace = event.metadata.namespace!;
    if (repeat) {
      const patch = { count: event.count, lastTimestamp: event.lastTimestamp, message: event.message };
      try {
        await client.patch(events, event.metadata.name!, patch, { namespace, type: "merge" });
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    await client.create(events, event, { namespace });
  }

  /** A server that answers "no" is believed; one that cannot be reached is asked again for a while. */
  async function sendAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lingerMs);
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    for (let next = queue[0]; next; next = queue[0]) {
      for (let tries = 1; ; tries++) {
        try {
          await withLimit(send(next.event, next.repeat));
          break;
        } catch (error) {
          const final = error instanceof StatusError && error.code < 500 && error.code !== 429;
          if (final || tries >= maxTries) {
            if (!isAlreadyExists(error)) onError?.(error);
            break;
          }
          await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        }
      }
      queue.shift();
    }
  }

  return {
    record,
    async flush() {
      while (sending) {
        hurry();
        await sending;
      }
    },
  };
}

async function withLimit(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`sending an event took more than ${sendLimitMs} ms`)),
      sendLimitMs,
    );
    timer.unref();
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
