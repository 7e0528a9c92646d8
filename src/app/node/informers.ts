// One copy of each collection for all roles of the node process: listed and parsed once, in pages, and kept without what no
// role reads.
import { createInformers, type Informers, type KubeClient } from "../../control/client/mod.ts";
import type { KubeObject } from "../../core/api/types.ts";

/** Big enough for few requests, small enough that what was parsed and is not kept dies young. */
const pageSize = 1000;

function slim<T extends KubeObject & { status?: { conditions?: unknown } }>(obj: T): T {
  const { managedFields: _, ...metadata } = obj.metadata;
  if (!obj.status?.conditions) return { ...obj, metadata };
  const { conditions: __, ...status } = obj.status;
  return { ...obj, metadata, status };
}

/** Who asks for an informer gets the one that runs until the signal aborts. */
export function createNodeInformers(
  client: KubeClient,
  onError: (resource: string, error: unknown) => void,
): Informers {
  return createInformers(client, onError, { pageSize, transform: slim, indexers: {} });
}
