// What failing probes said last, by pod and container: from the kubelet's Unhealthy events.

import { events as eventsRef } from "../../../core/api/refs.ts";
import type { CoreEvent, Pod } from "../../../core/api/types.ts";
import { createInformer, type KubeClient } from "../../client/mod.ts";

export interface ProbeFailures {
  of(pod: Pod, container: string): string | undefined;
  run(signal: AbortSignal): Promise<void>;
}

const container = /\{(.+)\}$/;

/** `changed` is told namespace/name of a pod whose probe said something else than before. */
export function watchProbeFailures(
  client: KubeClient,
  changed: (podKey: string) => void,
  onError: (error: unknown) => void,
): ProbeFailures {
  const informer = createInformer(client, eventsRef, {
    fieldSelector: "reason=Unhealthy",
    indexers: { pod: (e) => (e.involvedObject.uid ? [e.involvedObject.uid] : []) },
    transform: ({ metadata, involvedObject, message, lastTimestamp }): CoreEvent => ({
      metadata: {
        name: metadata.name!,
        namespace: metadata.namespace!,
        uid: metadata.uid!,
        resourceVersion: metadata.resourceVersion!,
      },
      involvedObject,
      ...(message === undefined ? {} : { message }),
      ...(lastTimestamp === undefined ? {} : { lastTimestamp }),
    }),
    onError,
  });
  const tell = ({ involvedObject: { namespace, name } }: CoreEvent): void => changed(`${namespace}/${name}`);
  informer.on({
    added: tell,
    updated(e, old) {
      if (e.message !== old.message) tell(e);
    },
  });
  return {
    of(pod, name) {
      const told = informer
        .byIndex("pod", pod.metadata.uid ?? "")
        .filter((e) => container.exec(e.involvedObject.fieldPath ?? "")?.[1] === name)
        .filter((e) => !e.message?.startsWith("Liveness"));
      const time = (e: CoreEvent): string => e.lastTimestamp ?? "";
      return told.sort((a, b) => (time(a) < time(b) ? 1 : -1))[0]?.message;
    },
    run: (signal) => informer.run(signal),
  };
}
