// Keeps a ClusterDirectory as the API has it: every change goes straight in.
import {
  createInformer,
  type Informer,
  type InformerSource,
  type KubeClient,
  objectKey,
} from "../../control/client/mod.ts";
import { jsonEqual } from "../../core/api/patch/mod.ts";
import type { ResourceRef } from "../../core/api/refs.ts";
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

/** What is kept of an object where the informer is DNS' own: what that needs, and what the directory holds anyway. */
interface Slim<E> extends KubeObject {
  entry: E | undefined;
}

const slimMetadata = ({ name, namespace, uid, resourceVersion }: ObjectMeta): ObjectMeta => ({
  name,
  namespace,
  uid,
  resourceVersion,
});

/** Objects of an own informer's answer that are held at a time. */
const pageSize = 500;

export interface ClusterWatch {
  /** Resolves when everything is in the directory once. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  readonly done: Promise<void>;
}

export function watchCluster(
  options: {
    client: KubeClient;
    /** Copies of the API that run for the whole process; absent: DNS has its own, of only what it needs. */
    informers: InformerSource | undefined;
    directory: ClusterDirectory;
    /** Those ranges of ServiceCIDR objects that Services of the cluster may have addresses of. */
    rangesOf(objects: readonly ServiceCIDR[]): string[];
    onError(error: unknown): void;
  },
  signal: AbortSignal,
): ClusterWatch {
  const { client, informers, directory, rangesOf, onError } = options;
  const own: Pick<Informer<KubeObject>, "run">[] = [];

  /** Tells `set` what every object says to DNS. A status or an annotation is no news: it must not make answers stale. */
  function follow<T extends KubeObject, E>(
    ref: ResourceRef<T>,
    read: (obj: T) => E | undefined,
    set: (key: string, entry: E | undefined) => void,
  ): Pick<Informer<KubeObject>, "synced"> {
    const handlers = <O extends KubeObject>(
      entryOf: (obj: O) => E | undefined,
      unchanged: (obj: O, old: O) => void = () => {},
    ) => ({
      added: (obj: O) => set(objectKey(obj), entryOf(obj)),
      updated(obj: O, old: O) {
        const entry = entryOf(obj);
        if (jsonEqual(entry, entryOf(old))) unchanged(obj, old);
        else set(objectKey(obj), entry);
      },
      deleted: (obj: O) => set(objectKey(obj), undefined),
    });
    if (informers) {
      const informer = informers.of(ref);
      informer.on(handlers(read), signal);
      return informer;
    }
    const informer = createInformer<Slim<E>>(client, ref as never, {
      transform: (obj: KubeObject) => ({ metadata: slimMetadata(obj.metadata), entry: read(obj as T) }),
      pageSize,
      onError,
    });
    // The directory holds the old entry: one is enough.
    const share = (obj: Slim<E>, old: Slim<E>): void => {
      obj.entry = old.entry;
    };
    informer.on(handlers((obj: Slim<E>) => obj.entry, share));
    own.push(informer);
    return informer;
  }

  const cidrs = informers?.of(refs.serviceCIDRs) ?? createInformer(client, refs.serviceCIDRs, { onError });
  if (!informers) own.push(cidrs);
  const setRanges = (): void => directory.setServiceRanges(rangesOf(cidrs.list()).map(mustParseCIDR));
  cidrs.on({ added: setRanges, updated: setRanges, deleted: setRanges }, signal);
  const all = [
    follow<Namespace, string>(
      refs.namespaces,
      (n) => n.metadata.name,
      (key, name) => (name === undefined ? directory.deleteNamespace(key) : directory.setNamespace(key)),
    ),
    follow<Service, DirectoryService>(refs.services, readService, directory.setService),
    follow<EndpointSlice, DirectorySlice>(refs.endpointSlices, readSlice, directory.setSlice),
    cidrs,
  ];
  let hasSynced = false;
  return {
    synced: Promise.all(all.map((i) => i.synced)).then(() => {
      hasSynced = true;
    }),
    get hasSynced() {
      return hasSynced;
    },
    done: Promise.all(own.map((i) => i.run(signal))).then(() => {}),
  };
}
