// The finalizer and the condition of each ServiceCIDR.
import { serviceCIDRs, services as servicesRef } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { ServiceCIDR } from "../../../core/api/types.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { clusterIPs, mayGo } from "./decide.ts";

const finalizer = "networking.k8s.io/service-cidr-finalizer";
/** Writes under way that took an address before the deletion was seen have ended by then. */
const graceMs = 10_000;

const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const terminating = {
  type: "Ready",
  status: "False",
  reason: "Terminating",
  message:
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

export const startRanges: StartController = (context) => {
  const { client, informers, now } = context;
  const ranges = informers.of(serviceCIDRs);
  const services = informers.of(servicesRef);
  const queue = controllerQueue(context, "service-cidr-controller", { workers: 1, work: reconcile });

  const reviewDeleted = (): void => {
    for (const r of ranges.list()) if (r.metadata.deletionTimestamp) queue.add(r.metadata.name!);
  };
  ranges.on({
    added(r) {
      queue.add(r.metadata.name!);
      reviewDeleted();
    },
    updated: (r) => queue.add(r.metadata.name!),
    deleted: reviewDeleted,
  });
  services.on({ updated: reviewDeleted, deleted: reviewDeleted });

  async function setCondition(range: ServiceCIDR, wanted: typeof ready): Promise<void> {
    const has = range.status?.conditions?.find((c) => c.type === wanted.type);
    const same = (["status", "reason", "message"] as const).every((k) => has?.[k] === wanted[k]);
    if (same) return;
    const conditions = [{ ...wanted, lastTransitionTime: timestamp(now()) }];
    const options = { type: "strategic", subresource: "status" } as const;
    ranges.wrote(await client.patch(serviceCIDRs, range.metadata.name!, { status: { conditions } }, options));
  }

  async function setFinalizers(range: ServiceCIDR, finalizers: string[]): Promise<void> {
    const { name, resourceVersion } = range.metadata;
    try {
      const patch = { metadata: { resourceVersion, finalizers } };
      ranges.wrote(await client.patch(serviceCIDRs, name!, patch, { type: "merge" }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function reconcile(name: string): Promise<void> {
    const range = ranges.get(name);
    if (!range) return;
    const has = range.metadata.finalizers ?? [];
    if (!range.metadata.deletionTimestamp) {
      if (!has.includes(finalizer)) await setFinalizers(range, [...has, finalizer]);
      await setCondition(ranges.get(name) ?? range, ready);
      return;
    }
    if (!has.includes(finalizer)) return;
    if (!mayGo(range, ranges.list(), services.list().flatMap(clusterIPs)))
      return setCondition(range, terminating);
    const left = Date.parse(range.metadata.deletionTimestamp) + graceMs - now();
    if (left > 0) queue.add(name, left);
    else
      await setFinalizers(
        range,
        has.filter((f) => f !== finalizer),
      );
  }

  return (signal) => queue.run(signal);
};
