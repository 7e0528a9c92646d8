// Keeps a ClusterDirectory as the API has it: every change goes straight in.
import { createInformer, type KubeClient } from "../../control/client/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type { EndpointSlice, Namespace, ObjectMeta, Service } from "../../core/api/types.ts";
import type { ClusterDirectory } from "../../core/network/dns/mod.ts";

const serviceName = "kubernetes.io/service-name";

/** Objects are kept to the fields that DNS reads: ten thousand Services fit in a few megabytes. */
function slimMetadata({ name, namespace, uid, resourceVersion, labels }: ObjectMeta): ObjectMeta {
  const owner = labels?.[serviceName];
  return { name, namespace, uid, resourceVersion, ...(owner ? { labels: { [serviceName]: owner } } : {}) };
}

const slimService = (s: Service): Service => ({
  metadata: slimMetadata(s.metadata),
  spec: {
    type: s.spec?.type,
    clusterIP: s.spec?.clusterIP,
    clusterIPs: s.spec?.clusterIPs,
    externalName: s.spec?.externalName,
    ports: s.spec?.ports?.map(({ name, port, protocol }) => ({ name, port, protocol })),
  },
});

const slimSlice = (s: EndpointSlice): EndpointSlice => ({
  metadata: slimMetadata(s.metadata),
  addressType: s.addressType,
  ports: s.ports,
  endpoints: s.endpoints?.map(({ addresses, hostname, conditions }) => ({
    addresses,
    hostname,
    conditions: { ready: conditions?.ready },
  })),
});

const slimNamespace = (n: Namespace): Namespace => ({ metadata: slimMetadata(n.metadata) });

export interface ClusterWatch {
  /** Resolves when everything is in the directory once. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  readonly done: Promise<void>;
}

export function watchCluster(
  options: { client: KubeClient; directory: ClusterDirectory; onError(error: unknown): void },
  signal: AbortSignal,
): ClusterWatch {
  const { client, directory, onError } = options;
  const namespaces = createInformer(client, refs.namespaces, { transform: slimNamespace, onError });
  const services = createInformer(client, refs.services, { transform: slimService, onError });
  const slices = createInformer(client, refs.endpointSlices, { transform: slimSlice, onError });
  const names = (o: { metadata: ObjectMeta }): [string, string] => [
    o.metadata.namespace ?? "",
    o.metadata.name ?? "",
  ];
  namespaces.on({
    added: (n) => directory.setNamespace(n.metadata.name ?? ""),
    deleted: (n) => directory.deleteNamespace(n.metadata.name ?? ""),
  });
  services.on({
    added: (s) => directory.setService(s),
    updated: (s) => directory.setService(s),
    deleted: (s) => directory.deleteService(...names(s)),
  });
  slices.on({
    added: (s) => directory.setSlice(s),
    updated: (s) => directory.setSlice(s),
    deleted: (s) => directory.deleteSlice(...names(s)),
  });
  const all = [namespaces, services, slices];
  return {
    synced: Promise.all(all.map((i) => i.synced)).then(() => {}),
    get hasSynced() {
      return all.every((i) => i.hasSynced);
    },
    done: Promise.all(all.map((i) => i.run(signal))).then(() => {}),
  };
}
