// What can be wrong with a Service, as data: the same findings are told to whoever writes it and kept on its status.

/** The catalogue; docs/service-conditions.md explains each. */
export type FindingReason =
  | "NoPodsSelected"
  | "TargetPortMissing"
  | "TargetPortUndeclared"
  | "NoReadyPods"
  | "PodsStarting"
  | "NoEndpoints"
  | "LoadBalancerPortOverlap"
  | "LoadBalancerAddressTaken"
  | "NodePortBlocked"
  | "LocalEndpointsMissing"
  | "SourceRangesExcludeHost"
  | "SourceRangesOpen"
  | "ExternalNameIsAddress";

export interface Finding {
  readonly reason: FindingReason;
  /**
   * error: it cannot work, or a part of it; starting: not yet, and that is the ordinary course of things;
   * advice: it works, perhaps not as meant.
   */
  readonly severity: "error" | "starting" | "advice";
  /** Begins with the field that it is about, where it is about one. */
  readonly message: string;
  /** It may well be what its author means: the rest is still to come. */
  readonly mild?: true;
}
