// Keeps every Service of type LoadBalancer at addresses of its own, one a family, and takes it back when it wants none any more.
import { services as servicesRef } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { Service } from "../../../core/api/types.ts";
import { rangesByFamily } from "../../../core/cluster/ip-families.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, controllerVoice, type StartController } from "../context.ts";
import { createAddressPools } from "./address-pools.ts";
import {
  cleanupPatch,
  ensurePatch,
  loadBalancerAddresses,
  loadBalancerFamilies,
  needsCleanup,
  type ServicePatch,
  wantsLoadBalancer,
} from "./decide.ts";

export const startLoadBalancers: StartController = (context) => {
  const { client, informers, cluster } = context;
  const services = informers.of(servicesRef);
  const tell = controllerVoice(context, "service-controller")(servicesRef);
  const pool = createAddressPools(
    new Map([...rangesByFamily(cluster)].map(([family, r]) => [family, r.loadBalancerCIDR])),
  );
  /** Services that got none: an address that becomes free may be theirs. */
  const pending = new Set<string>();
  const queue = controllerQueue(context, "service-lb-controller", { workers: 1, work: reconcile });

  function release(uid: string, kept?: readonly string[]): void {
    if (!pool.release(uid, kept)) return;
    for (const key of pending) queue.add(key);
  }

  services.on({
    added(service) {
      // Until the first list is whole nothing is given out: what a status names stays with its Service.
      if (!wantsLoadBalancer(service) && !needsCleanup(service)) return;
      for (const ip of loadBalancerAddresses(service)) pool.hold(service.metadata.uid!, ip);
      queue.add(objectKey(service));
    },
    updated(service) {
      if (wantsLoadBalancer(service) || needsCleanup(service)) queue.add(objectKey(service));
      else release(service.metadata.uid!);
    },
    deleted(service) {
      pending.delete(objectKey(service));
      release(service.metadata.uid!);
    },
  });

  async function write(service: Service, patch: ServicePatch): Promise<void> {
    const { name, namespace } = service.metadata;
    services.wrote(
      await client.patch(servicesRef, name!, patch, { namespace, type: "merge", subresource: "status" }),
    );
  }

  async function reconcile(key: string): Promise<void> {
    const service = services.get(key);
    if (!service) return;
    if (wantsLoadBalancer(service)) await ensure(key, service);
    else if (needsCleanup(service)) await cleanUp(key, service);
  }

  async function ensure(key: string, service: Service): Promise<void> {
    const uid = service.metadata.uid!;
    const wanted = service.spec!.loadBalancerIP || undefined;
    const taken = pool.take(uid, loadBalancerFamilies(service), wanted);
    if ("refused" in taken) {
      if (!pending.has(key)) {
        pending.add(key);
        tell(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
      }
      const message = `Error syncing load balancer: failed to ensure load balancer: ${taken.refused}`;
      tell(service, "Warning", "SyncLoadBalancerFailed", message);
      return;
    }
    const patch = ensurePatch(service, taken.addresses);
    if (patch) {
      if (!pending.has(key)) tell(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
      await write(service, patch);
      tell(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
    }
    pending.delete(key);
    release(uid, taken.addresses);
  }

  async function cleanUp(key: string, service: Service): Promise<void> {
    tell(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
    try {
      await write(service, cleanupPatch(service));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    tell(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
    pending.delete(key);
    release(service.metadata.uid!);
  }

  return (signal) => queue.run(signal);
};
