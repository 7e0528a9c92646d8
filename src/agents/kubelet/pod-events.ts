// Events of one pod, about it or about one of its containers, with as many told as a reader wants and no more.
import { type EventRecorder, eventSubject } from "../../control/client/mod.ts";
import { pods } from "../../core/api/refs.ts";
import type { Pod } from "../../core/api/types.ts";
import { containerFieldPath, type SpecContainer } from "./pod-text.ts";

export interface Say {
  normal(reason: string, message: string): void;
  warning(reason: string, message: string): void;
}

export interface PodEvents extends Say {
  /** About one container: fieldPath `spec.containers{name}`. */
  of(container: SpecContainer): Say;
}

export function podEvents(recorder: EventRecorder, pod: () => Pod): PodEvents {
  const say = (fieldPath: string | undefined): Say => ({
    normal: (reason, message) =>
      recorder.record(eventSubject(pods, pod(), fieldPath), { type: "Normal", reason, message }),
    warning: (reason, message) =>
      recorder.record(eventSubject(pods, pod(), fieldPath), { type: "Warning", reason, message }),
  });
  return { ...say(undefined), of: (c) => say(containerFieldPath(c)) };
}
