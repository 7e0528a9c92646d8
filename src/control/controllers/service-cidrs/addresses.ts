// An IPAddress for every cluster IP, with the Service as its parent.
import { ipAddresses, services as servicesRef } from "../../../core/api/refs.ts";
import { isAlreadyExists, isNotFound } from "../../../core/api/status.ts";
import type { Service } from "../../../core/api/types.ts";
import { controllerQueue, controllerVoice, type StartController } from "../context.ts";
import { addressOf, clusterIPs, isManaged, isParent } from "./decide.ts";

export const startAddresses: StartController = (context) => {
  const { client, informers } = context;
  const addresses = informers.of(ipAddresses);
  const services = informers.of(servicesRef);
  services.index("cluster-ip", clusterIPs);
  const say = controllerVoice(context, "ipallocator-repair-controller")(servicesRef);
  const queue = controllerQueue(context, "service-ip-address-controller", { work: reconcile });
  const touch = (s: Service): void => {
    for (const ip of clusterIPs(s)) queue.add(ip);
  };
  services.on({
    added: touch,
    updated(s, old) {
      touch(s);
      touch(old);
    },
    deleted: touch,
  });
  addresses.on({
    added: (a) => queue.add(a.metadata.name!),
    updated: (a) => queue.add(a.metadata.name!),
    deleted: (a) => queue.add(a.metadata.name!),
  });

  async function remove(ip: string, uid: string): Promise<void> {
    await client.delete(ipAddresses, ip, { preconditions: { uid } }).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
  }

  async function reconcile(ip: string): Promise<void> {
    const service = services.byIndex("cluster-ip", ip)[0];
    const there = addresses.get(ip);
    if (!service) {
      if (there && isManaged(there)) await remove(ip, there.metadata.uid!);
      return;
    }
    if (there && isManaged(there) && isParent(there, service)) return;
    if (there) {
      say(
        service,
        "Warning",
        "IPAddressWrongReference",
        `IPAddress: ${ip} for Service ${service.metadata.namespace}/${service.metadata.name} has a wrong reference; cleaning up`,
      );
      await remove(ip, there.metadata.uid!);
    }
    try {
      addresses.wrote(await client.create(ipAddresses, addressOf(ip, service)));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  return (signal) => queue.run(signal);
};
