// The shape of one served kind: everything the API server needs to know of it, in one value per kind (see kinds/).
import type { IPFamily } from "../net/mod.ts";
import type { FieldError } from "./status.ts";
import type { KubeObject } from "./types.ts";

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

/** A Table column (metav1.TableColumnDefinition); priority > 0 shows only with `-o wide`. */
export interface Column<T extends KubeObject = KubeObject> {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  /** OpenAPI format; "name" marks the column that kubectl treats as the object's name. */
  format?: string;
  description: string;
  priority?: number;
  /** The cell. `now` is milliseconds since the epoch, for ages. */
  cell(obj: T, now: number): string | number | boolean;
}

/** metav1.TableRowCondition: kubectl and others use it to tell finished objects. */
export interface RowCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** Written as a method so that a definition of one kind can stand in a list of all kinds. */
export type FieldGetter<T> = { get(obj: T): string }["get"];

/** Who asks, when, of what cluster: the only ambient inputs of a strategy. */
export interface StrategyContext {
  /** RFC 3339, seconds precision. */
  now: string;
  user: { name: string; groups: string[] };
  /** What the cluster has, its default first. */
  ipFamilies: readonly IPFamily[];
}

/**
 * One served kind. Functions are pure; `setDefaults` and `prepare*` change the object they are given in place,
 * which the caller owns. `Spec-only` semantic: the main endpoint ignores status, the status endpoint ignores the rest.
 */
export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  /** Lower-case plural, as in the URL. */
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  /** e.g. ["all"]. */
  categories?: readonly string[];
  namespaced: boolean;
  /** Name of the model in the official client: "V1Pod". */
  model: string;
  /** Default: every verb. */
  verbs?: readonly Verb[];
  /** "status" and "scale" are served generically; the others (log, exec, binding…) by a handler of that name. */
  subresources?: readonly SubresourceDefinition[];
  /** Storage is shared with this definition's (`events.k8s.io` with core events). `toStorage`/`fromStorage` convert. */
  storedAs?: {
    group: string;
    plural: string;
    toStorage(o: KubeObject): KubeObject;
    fromStorage(o: KubeObject): KubeObject;
  };
  /** A PUT to a name that does not exist creates it. */
  allowCreateOnUpdate?: boolean;
  /** A PUT without a resourceVersion overwrites (the default); false: `must be specified for an update`. */
  allowUnconditionalUpdate?: boolean;
  /** How metadata.name is checked: DNS-1123 subdomain is the default. */
  nameRule?: "dns1123subdomain" | "dns1123label" | "path";
  setDefaults?(obj: T): void;
  /** Clears what a client may not set on create (status), sets generation 1. */
  prepareForCreate?(obj: T, ctx: StrategyContext): void;
  /** Keeps what the main endpoint may not change (status), bumps generation when spec changed. */
  prepareForUpdate?(obj: T, old: T, ctx: StrategyContext): void;
  prepareForStatusUpdate?(obj: T, old: T, ctx: StrategyContext): void;
  /** A write of the status leaves labels and the like alone (`prepareForStatusUpdate` puts them back), and owns none. */
  statusLeavesMetadata?: boolean;
  /** All of a new object, metadata included (call it after setDefaults, prepareForCreate and name generation). */
  validate?(obj: T, ctx: StrategyContext): FieldError[];
  validateUpdate?(obj: T, old: T, ctx: StrategyContext): FieldError[];
  validateStatusUpdate?(obj: T, old: T): FieldError[];
  /** Warnings for the `Warning: 299` header. */
  warnings?(obj: T, old: T | undefined): string[];
  /** The same for a write of the status. */
  statusWarnings?(obj: T): string[];
  columns: readonly Column<T>[];
  /** Conditions of the object's Table row. */
  rowConditions?(obj: T): RowCondition[];
  /** Given as a warning with every answer of this API, e.g. "v1 Endpoints is deprecated in v1.33+; use …". */
  deprecation?: string;
  /** Selectable fields besides metadata.name and metadata.namespace. */
  fields?: Readonly<Record<string, FieldGetter<T>>>;
  /** Paths of the scale subresource. */
  scale?: {
    replicas(obj: T): number;
    setReplicas(obj: T, n: number): void;
    statusReplicas(obj: T): number;
    selector(obj: T): string;
  };
  /** Grace period of a DELETE that asks for none; undefined: deleted at once. */
  gracefulDeletion?: {
    defaultSeconds(obj: T): number;
    begin(obj: T, seconds: number, ctx: StrategyContext): void;
    skip?(obj: T): boolean;
  };
}

export interface SubresourceDefinition {
  /** "status", "log", "exec", "proxy"… */
  name: string;
  verbs: readonly string[];
  /** Kind of the body: "Scale", "Eviction", "PodExecOptions". */
  kind: string;
  group?: string;
  version?: string;
}
