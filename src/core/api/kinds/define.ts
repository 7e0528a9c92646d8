// A kind's definition from its own parts: adds what every kind has (metadata's validation, generation).
import type { ResourceDefinition, StrategyContext } from "../resource.ts";
import type { KubeObject } from "../types.ts";
import { semanticEqual, validateObjectMeta, validateObjectMetaUpdate } from "./meta/mod.ts";

/** Adds metadata's errors before the kind's own, in the order in which Kubernetes reports them. */
export function define<T extends KubeObject>(d: ResourceDefinition<T>): ResourceDefinition<T> {
  return {
    ...d,
    validate: (o, ctx) => [...validateObjectMeta(o.metadata, d), ...(d.validate?.(o, ctx) ?? [])],
    validateUpdate: (o, old, ctx) => [
      ...validateObjectMetaUpdate(o.metadata, old.metadata),
      ...(d.validateUpdate?.(o, old, ctx) ?? []),
    ],
    validateStatusUpdate: (o, old) => [
      ...validateObjectMetaUpdate(o.metadata, old.metadata),
      ...(d.validateStatusUpdate?.(o, old) ?? []),
    ],
  };
}

interface SpecAndStatus extends KubeObject {
  spec?: unknown;
  status?: unknown;
}

/** The strategy of a kind with spec and status: the main endpoint ignores status and counts changes of spec. */
export function specAndStatus<T extends SpecAndStatus>(): {
  prepareForCreate(o: T, ctx: StrategyContext): void;
  prepareForUpdate(o: T, old: T, ctx: StrategyContext): void;
  prepareForStatusUpdate(o: T, old: T): void;
} {
  return {
    prepareForCreate(o) {
      delete o.status;
      o.metadata.generation = 1;
    },
    prepareForUpdate(o, old) {
      keep(o, old, "status");
      o.metadata.generation = (old.metadata.generation ?? 0) + (semanticEqual(o.spec, old.spec) ? 0 : 1);
    },
    prepareForStatusUpdate(o, old) {
      keep(o, old, "spec");
      keepGeneration(o, old);
    },
  };
}

/** Puts back what a request may not change. */
export function keep<T extends KubeObject>(o: T, old: T, key: keyof T): void {
  if (old[key] === undefined) delete o[key];
  else o[key] = structuredClone(old[key]);
}

export function keepGeneration(o: KubeObject, old: KubeObject): void {
  if (old.metadata.generation === undefined) delete o.metadata.generation;
  else o.metadata.generation = old.metadata.generation;
}

/** Puts back all of metadata that a write of the status may not change, where the kind is that strict. */
export function keepMetadata(o: KubeObject, old: KubeObject): void {
  keepGeneration(o, old);
  for (const key of ["labels", "annotations", "finalizers", "ownerReferences"] as const) {
    delete o.metadata[key];
    if (old.metadata[key] !== undefined)
      Object.assign(o.metadata, structuredClone({ [key]: old.metadata[key] }));
  }
}
