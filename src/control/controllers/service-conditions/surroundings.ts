// What else there is around a Service that selects nothing: the pods of its namespace, and namespaces where pods match.

import { matchesLabels, type Surroundings } from "../../../core/advice/mod.ts";
import { namespaces as namespacesRef } from "../../../core/api/refs.ts";
import type { Pod, Service } from "../../../core/api/types.ts";
import type { Informer, Informers } from "../../client/mod.ts";
import { labelPair } from "../service-pods/mod.ts";

/** More pods, or namespaces, are not looked at. */
const most = 200;

export interface SurroundingsOf {
  of(service: Service): Surroundings;
}

/** `pods` has the index "label" of service-pods. */
export function createSurroundings({
  informers,
  pods,
}: {
  informers: Informers;
  pods: Informer<Pod>;
}): SurroundingsOf {
  const namespaces = informers.of(namespacesRef);
  return {
    of(service) {
      const selector = service.spec?.selector ?? {};
      const own = service.metadata.namespace;
      const here = pods.byIndex("namespace", own ?? "");
      const candidates = (here.length > most ? [] : here).map((pod) => ({
        kind: "pod" as const,
        labels: pod.metadata.labels ?? {},
        spec: pod.spec,
      }));
      const [first] = Object.entries(selector);
      const elsewhere: { namespace: string; pods: number }[] = [];
      for (const { metadata } of first ? namespaces.list().slice(0, most) : []) {
        const namespace = metadata.name!;
        if (namespace === own) continue;
        const found = pods.byIndex("label", labelPair(namespace, ...first!));
        const matching = found.filter((p) => matchesLabels(selector, p.metadata.labels ?? {})).length;
        if (matching > 0) elsewhere.push({ namespace, pods: matching });
      }
      return { candidates, elsewhere };
    },
  };
}
