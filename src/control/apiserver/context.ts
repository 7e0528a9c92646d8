// What every request carries besides its object: who asks and how; and what the request path is built on.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { IPFamily } from "../../core/net/mod.ts";
import type { Store } from "../store/mod.ts";
import type { Registry } from "./registry.ts";
import type { Codec } from "./requests/mod.ts";

export interface UserInfo {
  name: string;
  uid: string;
  groups: string[];
  extra: Record<string, string[]>;
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface WriteContext {
  user: UserInfo;
  /** Everything but the write itself happens. */
  dryRun: boolean;
  fieldManager: string;
  fieldValidation: FieldValidation;
  /** Adds a `Warning: 299` header to the answer. */
  warn(text: string): void;
}

export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE";
  def: ResourceDefinition;
  namespace: string | undefined;
  name: string;
  subresource: string;
  /** The caller's own copy: a plug-in may change it. Absent for DELETE. */
  object: KubeObject | undefined;
  old: KubeObject | undefined;
  context: WriteContext;
}

/** Changes or refuses (throws StatusError) a write. Everything it may look at is in memory, so it never waits. */
export type AdmissionPlugin = (request: AdmissionRequest, core: ApiCore) => void;

/** Something taken for a write that is given back if the write fails (an address, a port). */
export interface Reservation {
  commit(): void;
  release(): void;
}

/** Takes what the object needs, changing the object; sees what the old one held. undefined: nothing to do. */
export type Reserve = (request: AdmissionRequest) => Reservation | undefined;

export interface ApiCore {
  store: Store;
  codec: Codec;
  registry: Registry;
  admission: readonly AdmissionPlugin[];
  reserve: readonly Reserve[];
  /** Objects of kinds that are told, not stored; undefined for every other kind. */
  computed?(def: ResourceDefinition): readonly KubeObject[] | undefined;
  /** Milliseconds since the epoch. */
  now(): number;
  /** What the cluster has, its default first. */
  ipFamilies: readonly IPFamily[];
  /** The addresses from which the machine of the cluster comes to its Services, one a family. */
  hosts: readonly string[];
}

/** Whether status is written at an endpoint of its own. */
export const hasStatus = (def: ResourceDefinition): boolean =>
  def.subresources?.some((s) => s.name === "status") ?? false;
