// What every controller is given: the API, the shared caches, a log and a clock.
import type { ResourceRef } from "../../core/api/refs.ts";
import { StatusError } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import {
  createEventRecorder,
  createWorkQueue,
  errorFields,
  eventSubject,
  type Informers,
  type KubeClient,
  type Log,
  type QueueWatcher,
  type WorkQueue,
} from "../client/mod.ts";
import type { HostRoutes } from "./host-routes/ports.ts";

export interface ControllerContext {
  client: KubeClient;
  informers: Informers;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  cluster: ClusterFacts;
  /** PEM of the cluster's certificate authority. */
  caCert: string;
  /** Absent where the server does not stand on the cluster's host. */
  hostRoutes?: HostRoutes | undefined;
  /** Watches the queue of that name. */
  queues?: ((name: string) => QueueWatcher) | undefined;
}

/** Sets up handlers and caches at once; the result works until the signal aborts, once every cache has its first list. */
export type StartController = (context: ControllerContext) => (signal: AbortSignal) => Promise<void>;

/** endpoint_slice of the endpoint-slice-controller: as Kubernetes' controllers name their queues. */
const queueName = (controller: string): string => controller.replace(/-controller$/, "").replaceAll("-", "_");

/** A queue whose failures are logged under the controller's name. */
export function controllerQueue(
  { log, queues }: ControllerContext,
  name: string,
  options: { workers?: number; work(key: string): Promise<void> },
): WorkQueue {
  return createWorkQueue({
    workers: options.workers ?? 5,
    work: options.work,
    watcher: queues?.(queueName(name)),
    onError(key, error) {
      // Conflicts are the ordinary course of things: the next try reads the newer object.
      const quiet =
        isNamespaceTerminating(error) ||
        (error instanceof StatusError && (error.code === 409 || error.code === 404));
      log[quiet ? "debug" : "warn"]({ controller: name, key, ...errorFields(error) }, "could not reconcile");
    },
  });
}

/** Records an event about an object. */
export type Say<T extends KubeObject> = (
  obj: T,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
) => void;

/** Gives a voice about the objects of a kind; all events name `component` as their source. */
export function controllerVoice(
  { client, log, now }: ControllerContext,
  component: string,
): <T extends KubeObject>(ref: ResourceRef<T>) => Say<T> {
  const recorder = createEventRecorder(client, {
    component,
    now,
    onError: (error) => log.debug({ component, ...errorFields(error) }, "an event was not recorded"),
  });
  return (ref) => (obj, type, reason, message) =>
    recorder.record(eventSubject(ref, obj), { type, reason, message });
}

/** `ns/name` apart; a cluster-scoped key has no namespace. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const at = key.indexOf("/");
  return at < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, at), name: key.slice(at + 1) };
}

/** The API refuses to make anything new in a namespace that is going away. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes ?? []).some((c) => c.reason === "NamespaceTerminating")
  );
}
