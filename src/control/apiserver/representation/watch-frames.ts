// The bytes of watch events, made once per event and form and shared by everyone who watches.
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { KeyValue } from "../../store/mod.ts";
import { apiVersionOfDefinition } from "../registry.ts";
import { servedBytes, servedObject } from "../stored-object.ts";

export type WatchType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** How an object is shown: turns it into another object, or is absent where the stored bytes are the answer. */
export interface Form {
  /** Distinguishes forms in the cache. */
  id: string;
  show: ((obj: KubeObject) => unknown) | undefined;
}

const prefixes = new Map<WatchType, Buffer>();
function prefixOf(type: WatchType): Buffer {
  let bytes = prefixes.get(type);
  if (!bytes) {
    bytes = Buffer.from(`{"type":"${type}","object":`);
    prefixes.set(type, bytes);
  }
  return bytes;
}
const suffix = Buffer.from("}\n");

export function frame(type: WatchType, object: Buffer): Buffer {
  return Buffer.concat([prefixOf(type), object, suffix]);
}

export function createFrameCache(): (
  type: WatchType,
  def: ResourceDefinition,
  kv: KeyValue,
  form: Form,
) => Buffer {
  // Events are told to all watchers in one go, so remembering the last version's frames is enough.
  let last: KeyValue | undefined;
  const frames = new Map<string, Buffer>();
  return (type, def, kv, form) => {
    if (kv !== last) {
      last = kv;
      frames.clear();
    }
    const id = `${type} ${def.group}/${def.version} ${form.id}`;
    let bytes = frames.get(id);
    if (!bytes) {
      const object = form.show
        ? Buffer.from(JSON.stringify(form.show(servedObject(def, kv))))
        : servedBytes(def, kv);
      bytes = frame(type, object);
      frames.set(id, bytes);
    }
    return bytes;
  };
}

/** The object of a BOOKMARK: the kind with nothing but a resourceVersion. */
export function bookmarkObject(
  def: ResourceDefinition,
  revision: number,
  endsInitialEvents: boolean,
): KubeObject {
  return {
    kind: def.kind,
    apiVersion: apiVersionOfDefinition(def),
    metadata: {
      resourceVersion: String(revision),
      creationTimestamp: null as unknown as string,
      ...(endsInitialEvents ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    },
  };
}
