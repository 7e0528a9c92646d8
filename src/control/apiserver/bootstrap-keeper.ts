// Makes the objects of bootstrap.ts again as soon as someone has deleted or changed them (kube-apiserver looks after its own
// Service every ten seconds).
import {
  endpointSlices,
  endpoints,
  namespaces,
  type ResourceRef,
  serviceCIDRs,
  services,
} from "../../core/api/refs.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { createInformer, createWorkQueue, type KubeClient } from "../client/mod.ts";
import { ensureBootstrapObjects, systemNamespaces } from "./bootstrap.ts";

/** Watched one by one; what every namespace has its controllers keep. */
const kept: readonly { ref: ResourceRef; namespace?: string; name: string }[] = [
  { ref: services as ResourceRef, namespace: "default", name: "kubernetes" },
  { ref: endpoints as ResourceRef, namespace: "default", name: "kubernetes" },
  { ref: endpointSlices as ResourceRef, namespace: "default", name: "kubernetes" },
  { ref: services as ResourceRef, namespace: "kube-system", name: "kube-dns" },
  { ref: serviceCIDRs as ResourceRef, name: "kubernetes" },
];
const mostPauseMs = 2000;

/** Runs until the signal aborts; a failed round is told of and tried again. */
export async function keepBootstrapObjects(
  client: KubeClient,
  options: { cluster: ClusterFacts; caCert: string; onError(error: unknown): void },
  signal: AbortSignal,
): Promise<void> {
  const { cluster, caCert, onError } = options;
  const queue = createWorkQueue({
    workers: 1,
    maxDelayMs: mostPauseMs,
    work: () => ensureBootstrapObjects(client, cluster, caCert),
    onError: (_, error) => onError(error),
  });
  const look = (): void => queue.add("objects");
  const informers = kept.map(({ ref, namespace, name }) => {
    const informer = createInformer(client, ref, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onError,
    });
    informer.on({ updated: look, deleted: look });
    return informer;
  });
  const all = createInformer(client, namespaces as ResourceRef, { onError });
  all.on({ deleted: (n) => systemNamespaces.includes(n.metadata.name!) && look() });
  informers.push(all);
  // What went before the watches began.
  void Promise.all(informers.map((i) => i.synced)).then(look);
  await Promise.all([queue, ...informers].map((part) => part.run(signal)));
}
