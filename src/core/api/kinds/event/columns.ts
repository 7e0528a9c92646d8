// The columns of `kubectl get events`.
import type { Column } from "../../resource.ts";
import type { CoreEvent } from "../../types.ts";
import { age, column, nameColumn } from "../table/mod.ts";

const firstSeen = (e: CoreEvent, now: number): string => age(e.firstTimestamp || e.eventTime, now);

function lastSeen(e: CoreEvent, now: number): string {
  if (e.series) return age(e.series.lastObservedTime, now);
  return e.lastTimestamp ? age(e.lastTimestamp, now) : firstSeen(e, now);
}

function source(e: CoreEvent): string {
  const component = e.source?.component || e.reportingComponent || "";
  const instance = e.source?.host || e.reportingInstance || "";
  return instance === "" ? component : `${component}, ${instance}`;
}

function object(e: CoreEvent): string {
  const kind = (e.involvedObject?.kind ?? "").toLowerCase();
  return e.involvedObject?.name ? `${kind}/${e.involvedObject.name}` : kind;
}

const wide = { wide: true };

export const eventColumns: readonly Column<CoreEvent>[] = [
  column("Last Seen", "When the event was last recorded.", lastSeen),
  column("Type", "Normal or Warning.", (e) => e.type ?? ""),
  column("Reason", "Why the event happened.", (e) => e.reason ?? ""),
  column("Object", "The object that the event is about.", object),
  column("Subobject", "The part of the object.", (e) => e.involvedObject?.fieldPath ?? "", wide),
  column("Source", "Who reported the event.", source, wide),
  column("Message", "What happened.", (e) => (e.message ?? "").trim()),
  column("First Seen", "When the event was first recorded.", firstSeen, wide),
  column(
    "Count",
    "How often it was recorded.",
    (e) => (e.series ? (e.series.count ?? 0) : e.count || 1),
    wide,
  ),
  { ...nameColumn, priority: 1 },
];
