// The EndpointSlice controller: keeps the slices of every Service with a selector. It acts on each change at once: the way
// from a ready pod to a forwarding kernel leads through here.
import { endpointSlices, nodes as nodesRef, services as servicesRef } from "../../../core/api/refs.ts";
import { isConflict } from "../../../core/api/status.ts";
import type { EndpointSlice, Node } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import {
  controllerQueue,
  controllerVoice,
  isNamespaceTerminating,
  type StartController,
  splitKey,
} from "../context.ts";
import { createPendingDeletions } from "../ownership/mod.ts";
import { createTriggerTimes, isSelecting, selectedPods, triggerTimeAnnotation } from "../service-pods/mod.ts";
import { firstFailure } from "../settled.ts";
import { decideSlices } from "./decide.ts";
import { createHintMemory } from "./hint-memory.ts";
import { zoneLabel } from "./pod-endpoint.ts";
import { managedBy, managedByLabel, serviceNameLabel } from "./slice-labels.ts";
import { isTopologyAuto, zoneShares } from "./topology-mode.ts";

/** What a node adds to its zone. */
const capacity = ({ status }: Node): string =>
  `${status?.allocatable?.cpu} ${status?.conditions?.find((c) => c.type === "Ready")?.status}`;

export const startEndpointSlices: StartController = (context) => {
  const { client, informers, now } = context;
  const { services, pods, podsOf, onChange } = selectedPods(informers);
  const slices = informers.of(endpointSlices);
  const nodes = informers.of(nodesRef);
  const say = controllerVoice(context, "endpoint-slice-controller")(servicesRef);
  const hints = createHintMemory(say);
  const leaving = createPendingDeletions({ client, ref: endpointSlices, informer: slices }, now);
  const triggers = createTriggerTimes();
  const queue = controllerQueue(context, "endpoint-slice-controller", { workers: 10, work: reconcile });

  const serviceOf = (slice: EndpointSlice): string | undefined => {
    const labels = slice.metadata.labels ?? {};
    if (labels[managedByLabel] !== managedBy || !labels[serviceNameLabel]) return undefined;
    return `${slice.metadata.namespace}/${labels[serviceNameLabel]}`;
  };
  slices.index("endpointslice-controller", (s) => {
    const key = serviceOf(s);
    return key ? [key] : [];
  });
  pods.index("node", (p) => (p.spec?.nodeName ? [p.spec.nodeName] : []));

  onChange((key) => queue.add(key));
  const sliceChanged = (slice: EndpointSlice): void => {
    const key = serviceOf(slice);
    if (key) queue.add(key);
  };
  slices.on({
    added: sliceChanged,
    updated(slice, old) {
      sliceChanged(slice);
      sliceChanged(old);
    },
    deleted: sliceChanged,
  });
  const nodeChanged = (): void => {
    for (const service of services.list()) if (isSelecting(service)) queue.add(objectKey(service));
  };
  nodes.on({
    added: nodeChanged,
    updated(node, old) {
      if (node.metadata.labels?.[zoneLabel] !== old.metadata.labels?.[zoneLabel]) nodeChanged();
      else if (capacity(node) !== capacity(old)) for (const key of hints.services()) queue.add(key);
    },
    deleted: nodeChanged,
  });

  async function reconcile(key: string): Promise<void> {
    const service = services.get(key);
    if (!service) {
      hints.forget(key);
      return triggers.forget(key);
    }
    if (!isSelecting(service)) return;
    const selected = podsOf(service);
    const existing = slices.byIndex("endpointslice-controller", key).filter((s) => !leaving.has(s));
    const change = decideSlices({
      service,
      pods: selected,
      existing,
      node: (name) => nodes.get(name),
      shares: isTopologyAuto(service) ? zoneShares(nodes.list()) : undefined,
    });
    const time = triggers.next(key, service, selected);
    const { namespace } = splitKey(key);
    const stamped = (slice: EndpointSlice): EndpointSlice => {
      const annotations = { ...slice.metadata.annotations };
      delete annotations[triggerTimeAnnotation];
      if (time) annotations[triggerTimeAnnotation] = time;
      return { ...slice, metadata: { ...slice.metadata, annotations } };
    };
    const work = [
      ...change.create.map(async (s) =>
        slices.wrote(await client.create(endpointSlices, stamped(s), { namespace })),
      ),
      ...change.update.map(async (s) => slices.wrote(await client.update(endpointSlices, stamped(s)))),
      ...change.remove.map((s) => leaving.remove(s)),
    ];
    const failure = await firstFailure(work, (error) => !isNamespaceTerminating(error));
    hints.note(key, service, change.autoHints);
    if (failure === undefined) return;
    if (!isConflict(failure))
      say(
        service,
        "Warning",
        "FailedToUpdateEndpointSlices",
        `Error updating Endpoint Slices for Service ${key}: ${(failure as Error).message}`,
      );
    throw failure;
  }

  return (signal) => queue.run(signal);
};
