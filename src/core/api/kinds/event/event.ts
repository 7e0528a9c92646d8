// Event in core/v1 and events.k8s.io/v1, one storage for both (kubernetes pkg/registry/core/event).
import type { Column, ResourceDefinition } from "../../resource.ts";
import type { CoreEvent, EventsV1Event, KubeObject } from "../../types.ts";
import { define } from "../define.ts";
import { eventColumns } from "./columns.ts";
import { asCoreV1, asEventsV1 } from "./convert.ts";
import { validateEvent, validateStrictEvent, validateStrictEventUpdate } from "./validate.ts";

const fields: Record<string, (e: CoreEvent) => string> = {
  "involvedObject.kind": (e) => e.involvedObject?.kind ?? "",
  "involvedObject.namespace": (e) => e.involvedObject?.namespace ?? "",
  "involvedObject.name": (e) => e.involvedObject?.name ?? "",
  "involvedObject.uid": (e) => e.involvedObject?.uid ?? "",
  "involvedObject.apiVersion": (e) => e.involvedObject?.apiVersion ?? "",
  "involvedObject.resourceVersion": (e) => e.involvedObject?.resourceVersion ?? "",
  "involvedObject.fieldPath": (e) => e.involvedObject?.fieldPath ?? "",
  reason: (e) => e.reason ?? "",
  reportingComponent: (e) => e.reportingComponent ?? "",
  source: (e) => e.source?.component || e.reportingComponent || "",
  type: (e) => e.type ?? "",
};

export const coreEvent: ResourceDefinition<CoreEvent> = define<CoreEvent>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  namespaced: true,
  model: "CoreV1Event",
  nameRule: "path",
  validate: validateEvent,
  validateUpdate: validateEvent,
  allowCreateOnUpdate: true,
  columns: eventColumns,
  fields,
});

const eventsV1Fields = Object.fromEntries(
  Object.entries(fields).map(([name, get]) => [
    name.replace("involvedObject", "regarding").replace("reportingComponent", "reportingController"),
    (e: EventsV1Event) => get(asCoreV1(e)),
  ]),
);

export const eventsV1Event: ResourceDefinition<EventsV1Event> = define<EventsV1Event>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  namespaced: true,
  model: "EventsV1Event",
  validate: (e) => validateStrictEvent(asCoreV1(e)),
  validateUpdate: (e, old) => validateStrictEventUpdate(asCoreV1(e), asCoreV1(old)),
  allowCreateOnUpdate: true,
  storedAs: {
    group: "",
    plural: "events",
    toStorage: (o: KubeObject) => asCoreV1(o as EventsV1Event),
    fromStorage: (o: KubeObject) => asEventsV1(o as unknown as CoreEvent),
  },
  columns: eventColumns.map(
    (c): Column<EventsV1Event> => ({ ...c, cell: (e, now) => c.cell(asCoreV1(e), now) }),
  ),
  fields: eventsV1Fields,
});
