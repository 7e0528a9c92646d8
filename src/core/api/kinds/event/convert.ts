// An event as core/v1 and as events.k8s.io/v1: the same object under other names (kubernetes pkg/apis/events/v1/conversion.go).
import type { CoreEvent, EventsV1Event } from "../../types.ts";

const pairs: [core: keyof CoreEvent, events: keyof EventsV1Event][] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

function rename(
  o: Record<string, unknown>,
  names: Map<string, string>,
  apiVersion: string,
): Record<string, unknown> {
  const out = Object.fromEntries(Object.entries(o).map(([k, v]) => [names.get(k) ?? k, v]));
  return { ...out, apiVersion };
}

const toEvents = new Map<string, string>(pairs);
const toCore = new Map<string, string>(pairs.map(([core, events]) => [events, core]));

/** A new object; shares its parts with the old one. */
export const asEventsV1 = (e: CoreEvent): EventsV1Event =>
  rename(e as unknown as Record<string, unknown>, toEvents, "events.k8s.io/v1") as unknown as EventsV1Event;

export const asCoreV1 = (e: EventsV1Event): CoreEvent =>
  rename(e as unknown as Record<string, unknown>, toCore, "v1") as unknown as CoreEvent;
