// Keeps a ClusterDirectory as the API has it: every change goes straight in.
import { createInformer, type KubeClient, objectKey } from "../../control/client/mod.ts";
import { jsonEqual } from "../../core/api/patch/mod.ts";
import * as refs from "../../core/api/refs.ts";
import type {
  EndpointSlice,
  KubeObject,
  Namespace,
  ObjectMeta,
  Service,
  ServiceCIDR,
} from "../../core/api/types.ts";
import { mustParseCIDR } from "../../core/net/mod.ts";
import {
  type ClusterDirectory,
  type DirectoryService,
  type DirectorySlice,
  readService,
  readSlice,
} from "../../core/network/dns/mod.ts";

/** What is kept of an object: what the informer needs, and what the directory holds anyway. */
interface Slim<E> extends KubeObject {
  entry: E | undefined;
}

const slimMetadata = ({ name, namespace, uid, resourceVersion }: ObjectMeta): ObjectMeta => ({
  name,
  namespace,
  uid,
  resourceVersion,
});

function slim<T extends KubeObject, E>(read: (obj: T) => E | undefined) {
  return (obj: KubeObject): Slim<E> => ({ metadata: slimMetadata(obj.metadata), entry: read(obj as T) });
}

/** Passes on only what is news to DNS: a status or an annotation must not make answers stale. */
function changed<E>(set: (obj: Slim<E>) => void) {
  return (obj: Slim<E>, old: Slim<E>): void => {
    if (!jsonEqual(obj.entry, old.entry)) set(obj);
    // The directory holds the old one: one is enough.
    else obj.entry = old.entry;
  };
}

export interface ClusterWatch {
  /** Resolves when everything is in the directory once. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  readonly done: Promise<void>;
}

export function watchCluster(
  options: {
    client: KubeClient;
    directory: ClusterDirectory;
    /** Those ranges of ServiceCIDR objects that Services of the cluster may have addresses of. */
    rangesOf(objects: readonly ServiceCIDR[]): string[];
    onError(error: unknown): void;
  },
  signal: AbortSignal,
): ClusterWatch {
  const { client, directory, rangesOf, onError } = options;
  const namespaces = createInformer<Slim<string>>(client, refs.namespaces as never, {
    transform: slim((n: Namespace) => n.metadata.name),
    onError,
  });
  const services = createInformer<Slim<DirectoryService>>(client, refs.services as never, {
    transform: slim((s: Service) => readService(s)),
    onError,
  });
  const slices = createInformer<Slim<DirectorySlice>>(client, refs.endpointSlices as never, {
    transform: slim((s: EndpointSlice) => readSlice(s)),
    onError,
  });
  namespaces.on({
    added: (n) => directory.setNamespace(objectKey(n)),
    deleted: (n) => directory.deleteNamespace(objectKey(n)),
  });
  const setService = (s: Slim<DirectoryService>): void => directory.setService(objectKey(s), s.entry);
  services.on({
    added: setService,
    updated: changed(setService),
    deleted: (s) => directory.setService(objectKey(s), undefined),
  });
  const setSlice = (s: Slim<DirectorySlice>): void => directory.setSlice(objectKey(s), s.entry);
  slices.on({
    added: setSlice,
    updated: changed(setSlice),
    deleted: (s) => directory.setSlice(objectKey(s), undefined),
  });
  const cidrs = createInformer(client, refs.serviceCIDRs, { onError });
  const setRanges = (): void => directory.setServiceRanges(rangesOf(cidrs.list()).map(mustParseCIDR));
  cidrs.on({ added: setRanges, updated: setRanges, deleted: setRanges });
  const all = [namespaces, services, slices, cidrs];
  return {
    synced: Promise.all(all.map((i) => i.synced)).then(() => {}),
    get hasSynced() {
      return all.every((i) => i.hasSynced);
    },
    done: Promise.all(all.map((i) => i.run(signal))).then(() => {}),
  };
}
