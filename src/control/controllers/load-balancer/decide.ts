// Whose load balancer a Service has, and what of it has to change (cloud-provider controllers/service).
import type { Service } from "../../../core/api/types.ts";
import type { IPFamily } from "../../../core/net/mod.ts";
import { sameJson } from "../same-json.ts";

export const cleanupFinalizer = "service.kubernetes.io/load-balancer-cleanup";
/** Classes that are served here beside the absent one. */
export const ownClasses = "portolan.dev/";

type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>;

const hasFinalizer = (s: Service): boolean => s.metadata.finalizers?.includes(cleanupFinalizer) ?? false;

function isOurs(s: Service): boolean {
  const { type, loadBalancerClass } = s.spec ?? {};
  return type === "LoadBalancer" && (loadBalancerClass ?? ownClasses).startsWith(ownClasses);
}

/** The Service is to have an address from here. */
export const wantsLoadBalancer = (s: Service): boolean => isOurs(s) && !s.metadata.deletionTimestamp;

/** The Service had a load balancer and is to have none any more. */
export const needsCleanup = (s: Service): boolean =>
  hasFinalizer(s) &&
  (isOurs(s) ? s.metadata.deletionTimestamp !== undefined : s.spec?.type !== "LoadBalancer");

/** The families that it is to have addresses of, the primary one first. */
export const loadBalancerFamilies = (s: Service): readonly IPFamily[] =>
  s.spec?.ipFamilies?.length ? (s.spec.ipFamilies as IPFamily[]) : ["IPv4"];

/** The addresses in the status. */
export const loadBalancerAddresses = (s: Service): string[] =>
  (s.status?.loadBalancer?.ingress ?? []).flatMap((i) => (i.ip ? [i.ip] : []));

export interface ServicePatch {
  metadata: { resourceVersion: string; finalizers: string[] };
  status: { loadBalancer: { ingress: Ingress | null } };
}

const patchOf = (s: Service, finalizers: string[], ingress: Ingress | null): ServicePatch => ({
  metadata: { resourceVersion: s.metadata.resourceVersion!, finalizers },
  status: { loadBalancer: { ingress } },
});

/** A merge patch that shows the addresses, or undefined when they are shown already. */
export function ensurePatch(s: Service, addresses: readonly string[]): ServicePatch | undefined {
  const ingress: Ingress = addresses.map((ip) => ({ ip, ipMode: "VIP" }));
  if (hasFinalizer(s) && sameJson(s.status?.loadBalancer?.ingress, ingress)) return undefined;
  const finalizers = s.metadata.finalizers ?? [];
  return patchOf(s, hasFinalizer(s) ? finalizers : [...finalizers, cleanupFinalizer], ingress);
}

/** A merge patch that lets the Service go. */
export const cleanupPatch = (s: Service): ServicePatch =>
  patchOf(
    s,
    (s.metadata.finalizers ?? []).filter((f) => f !== cleanupFinalizer),
    null,
  );
