// Finds the pods that a Service selects and the Services that select a pod, both by index.
import { pods as podsRef, services as servicesRef } from "../../../core/api/refs.ts";
import type { Pod, Service } from "../../../core/api/types.ts";
import { type Informer, type Informers, objectKey } from "../../client/mod.ts";
import { sameJson } from "../same-json.ts";

export interface SelectedPods {
  services: Informer<Service>;
  pods: Informer<Pod>;
  podsOf(service: Service): Pod[];
  servicesOf(pod: Pod): Service[];
  /** Calls back with the key of every Service whose pods, or whose own definition, changed. */
  onChange(changed: (serviceKey: string) => void): void;
}

/** The value under which the index "label" of pods has a label. */
export const labelPair = (namespace: string | undefined, key: string, value: string): string =>
  `${namespace ?? ""}/${key}=${value}`;

function selects(service: Service, pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  return Object.entries(service.spec?.selector ?? {}).every(
    ([k, v]) => Object.hasOwn(labels, k) && labels[k] === v,
  );
}

/** Has a selector and is no mere alias: its endpoints are ours to keep. */
export function isSelecting(service: Service): boolean {
  return service.spec?.type !== "ExternalName" && Object.keys(service.spec?.selector ?? {}).length > 0;
}

/** Whether endpoints are made of both in the same way: a status does not matter to them. */
function isSameDefinition(a: Service, b: Service): boolean {
  const parts = ({ metadata: { labels, annotations, deletionTimestamp }, spec }: Service) => ({
    ...{ labels, annotations, deletionTimestamp },
    spec,
  });
  return sameJson(parts(a), parts(b));
}

export function selectedPods(informers: Informers): SelectedPods {
  const services = informers.of(servicesRef);
  const pods = informers.of(podsRef);
  pods.index("label", (pod) =>
    Object.entries(pod.metadata.labels ?? {}).map(([k, v]) => labelPair(pod.metadata.namespace, k, v)),
  );
  services.index("selector", (service) => {
    const first = Object.entries(service.spec?.selector ?? {}).sort()[0];
    return first && isSelecting(service) ? [labelPair(service.metadata.namespace, first[0], first[1])] : [];
  });

  function servicesOf(pod: Pod): Service[] {
    return Object.entries(pod.metadata.labels ?? {})
      .flatMap(([k, v]) => services.byIndex("selector", labelPair(pod.metadata.namespace, k, v)))
      .filter((s) => selects(s, pod));
  }

  return {
    services,
    pods,
    servicesOf,
    podsOf(service) {
      if (!isSelecting(service)) return [];
      let fewest: Pod[] | undefined;
      for (const [k, v] of Object.entries(service.spec!.selector!)) {
        const some = pods.byIndex("label", labelPair(service.metadata.namespace, k, v));
        if (!fewest || some.length < fewest.length) fewest = some;
      }
      return fewest!.filter((p) => selects(service, p));
    },
    onChange(changed) {
      const wake = (pod: Pod): void => {
        for (const s of servicesOf(pod)) changed(objectKey(s));
      };
      pods.on({
        added: wake,
        updated(pod, old) {
          wake(pod);
          if (pod.metadata.labels !== old.metadata.labels) wake(old);
        },
        deleted: wake,
      });
      services.on({
        added: (s) => changed(objectKey(s)),
        updated(s, old) {
          if (!isSameDefinition(s, old)) changed(objectKey(s));
        },
        deleted: (s) => changed(objectKey(s)),
      });
    },
  };
}
