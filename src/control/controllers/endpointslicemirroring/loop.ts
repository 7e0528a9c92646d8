// The EndpointSliceMirroring controller: hand-written Endpoints of Services without a selector become slices, which are
// all that the service proxy and DNS read.
import {
  endpointSlices,
  endpoints as endpointsRef,
  services as servicesRef,
} from "../../../core/api/refs.ts";
import type { EndpointSlice } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import {
  controllerQueue,
  controllerVoice,
  isNamespaceTerminating,
  type StartController,
  splitKey,
} from "../context.ts";
import { managedByLabel, serviceNameLabel } from "../endpointslice/mod.ts";
import { createPendingDeletions } from "../ownership/mod.ts";
import { firstFailure } from "../settled.ts";
import { decideMirror, isMirrored, managedBy, maxPerSubset } from "./decide.ts";

const component = "endpoint-slice-mirroring-controller";

export const startEndpointSliceMirroring: StartController = (context) => {
  const { client, informers, now } = context;
  const services = informers.of(servicesRef);
  const endpoints = informers.of(endpointsRef);
  const slices = informers.of(endpointSlices);
  const say = controllerVoice(context, component)(endpointsRef);
  const leaving = createPendingDeletions({ client, ref: endpointSlices, informer: slices }, now);
  const queue = controllerQueue(context, component, { work: reconcile });

  const ownerOf = (slice: EndpointSlice): string[] => {
    const labels = slice.metadata.labels ?? {};
    if (labels[managedByLabel] !== managedBy || !labels[serviceNameLabel]) return [];
    return [`${slice.metadata.namespace}/${labels[serviceNameLabel]}`];
  };
  slices.index(component, ownerOf);
  const add = (o: Parameters<typeof objectKey>[0]): void => queue.add(objectKey(o));
  endpoints.on({ added: add, updated: add, deleted: add });
  services.on({ added: add, updated: add, deleted: add });
  const sliceChanged = (slice: EndpointSlice): void => {
    for (const key of ownerOf(slice)) queue.add(key);
  };
  slices.on({ added: sliceChanged, updated: sliceChanged, deleted: sliceChanged });

  async function reconcile(key: string): Promise<void> {
    const source = endpoints.get(key);
    const existing = slices.byIndex(component, key).filter((s) => !leaving.has(s));
    if (!source || !isMirrored(source, services.get(key))) {
      await Promise.all(existing.map((s) => leaving.remove(s)));
      return;
    }
    const change = decideMirror(source, existing);
    const { namespace } = splitKey(key);
    if (change.invalid.length > 0)
      say(
        source,
        "Warning",
        "InvalidIPAddress",
        `Skipped ${change.invalid.length} invalid IP addresses when mirroring to EndpointSlices`,
      );
    if (change.skipped > 0)
      say(
        source,
        "Warning",
        "TooManyAddressesToMirror",
        `A max of ${maxPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${change.skipped} addresses were skipped`,
      );
    const work = [
      ...change.create.map(async (s) => slices.wrote(await client.create(endpointSlices, s, { namespace }))),
      ...change.update.map(async (s) => slices.wrote(await client.update(endpointSlices, s))),
      ...change.remove.map((s) => leaving.remove(s)),
    ];
    const failure = await firstFailure(work, (error) => !isNamespaceTerminating(error));
    if (failure !== undefined) throw failure;
  }

  return (signal) => queue.run(signal);
};
