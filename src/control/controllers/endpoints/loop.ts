// The Endpoints controller: one Endpoints object for every Service with a selector, gone with its Service.
import { endpoints as endpointsRef } from "../../../core/api/refs.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import type { Endpoints, Service } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import {
  controllerQueue,
  controllerVoice,
  isNamespaceTerminating,
  type StartController,
  splitKey,
} from "../context.ts";
import { createTriggerTimes, isSelecting, selectedPods } from "../service-pods/mod.ts";
import { decideEndpoints, managedBy, managedByLabel } from "./decide.ts";

export const startEndpoints: StartController = (context) => {
  const { client, informers } = context;
  const { services, podsOf, onChange } = selectedPods(informers);
  const endpoints = informers.of(endpointsRef);
  const say = controllerVoice(context, "endpoint-controller")(endpointsRef);
  const triggers = createTriggerTimes();
  const queue = controllerQueue(context, "endpoint-controller", { work: reconcile });

  onChange((key) => queue.add(key));
  // Hand-written Endpoints without a Service are left alone; ours are wanted no more then, also after a restart.
  const changed = (e: Endpoints): void => {
    if (e.metadata.labels?.[managedByLabel] === managedBy || services.get(objectKey(e)))
      queue.add(objectKey(e));
  };
  endpoints.on({ added: changed, updated: changed, deleted: changed });

  async function reconcile(key: string): Promise<void> {
    const service = services.get(key);
    if (!service) return removeLeftOver(key);
    if (!isSelecting(service)) return;
    const selected = podsOf(service);
    const existing = endpoints.get(key);
    const triggerTime = triggers.next(key, service, selected);
    const next = decideEndpoints(service, selected, { existing, triggerTime });
    if (!next || (service.metadata.deletionTimestamp && !existing)) return;
    try {
      const { namespace } = splitKey(key);
      endpoints.wrote(
        existing
          ? await client.update(endpointsRef, next)
          : await client.create(endpointsRef, next, { namespace }),
      );
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!isConflict(error)) report(service, key, existing !== undefined, error);
      throw error;
    }
  }

  function report(service: Service, key: string, update: boolean, error: unknown): void {
    const why = (error as Error).message;
    const [reason, what] = update
      ? ["FailedToUpdateEndpoint", "update endpoint"]
      : ["FailedToCreateEndpoint", "create endpoint for service"];
    say(service, "Warning", reason!, `Failed to ${what} ${key}: ${why}`);
  }

  /** When a Service goes, its Endpoints go with it, whoever wrote them. */
  async function removeLeftOver(key: string): Promise<void> {
    triggers.forget(key);
    const left = endpoints.get(key);
    if (!left) return;
    const { namespace, name } = splitKey(key);
    try {
      await client.delete(endpointsRef, name, { namespace, preconditions: { uid: left.metadata.uid! } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  return (signal) => queue.run(signal);
};
