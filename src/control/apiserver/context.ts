// What every request carries besides its object: who asks and how; and what the request path is built on.

import { trackUpdate } from "../../core/api/apply/mod.ts";
import type { ResourceDefinition, StrategyContext } from "../../core/api/resource.ts";
import { timestamp } from "../../core/api/timestamp.ts";
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
  /** Milliseconds since the epoch. */
  now(): number;
  /** What the cluster has, its default first. */
  ipFamilies: readonly IPFamily[];
  /** The addresses from which the machine of the cluster comes to its Services, one a family. */
  hosts: readonly string[];
}

export const strategyContext = (core: ApiCore, ctx: WriteContext): StrategyContext => ({
  now: timestamp(core.now()),
  user: ctx.user,
  ipFamilies: core.ipFamilies,
});

/** Whether status is written at an endpoint of its own. */
export const hasStatus = (def: ResourceDefinition): boolean =>
  def.subresources?.some((s) => s.name === "status") ?? false;

/** Notes in `next.metadata.managedFields` whose the changed fields are now. */
export function trackOwners(
  core: ApiCore,
  def: ResourceDefinition,
  live: KubeObject | undefined,
  next: KubeObject,
  subresource: string,
  ctx: WriteContext,
): void {
  const apiVersion = def.group === "" ? def.version : `${def.group}/${def.version}`;
  trackUpdate({
    model: core.codec.expected(def).model,
    live,
    next,
    ignored: subresource === "status" ? ["spec"] : hasStatus(def) ? ["status"] : [],
    who: { manager: ctx.fieldManager, operation: "Update", apiVersion, subresource },
    now: timestamp(core.now()),
  });
}

export function admit(core: ApiCore, request: AdmissionRequest): void {
  for (const plugin of core.admission) plugin(request, core);
}

/** Takes all reservations or none. */
export function reserveAll(core: ApiCore, request: AdmissionRequest): Reservation {
  const taken: Reservation[] = [];
  const all: Reservation = {
    commit: () => taken.forEach((r) => void r.commit()),
    release: () => taken.forEach((r) => void r.release()),
  };
  try {
    for (const reserve of core.reserve) {
      const r = reserve(request);
      if (r) taken.push(r);
    }
  } catch (error) {
    all.release();
    throw error;
  }
  return all;
}
