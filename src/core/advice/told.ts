// Which findings are told to the one who writes the Service: few, and none that is the ordinary course of things.
import type { Finding } from "./finding.ts";

/** At most so many warnings answer one write. */
const most = 3;

export interface Write {
  /** Pods of other Services are there: an empty namespace is just being filled. */
  readonly populated: boolean;
  /** Who writes (metadata.managedFields[].manager). */
  readonly fieldManager: string;
}

export function findingsToTell(findings: readonly Finding[], { populated, fieldManager }: Write): Finding[] {
  // `kubectl run --expose` makes the Service, then its pod.
  const patient = !populated || fieldManager === "kubectl-run";
  return findings
    .filter((f) => f.severity !== "starting" && f.reason !== "NoEndpoints" && !(patient && f.mild))
    .slice(0, most);
}
