import { replicaSets } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { ReplicaSet } from "../../../core/api/types.ts";
import type { StartController } from "../context.ts";
import { startReplicators } from "./loop.ts";

export { type ReplicatorKind, startReplicators } from "./loop.ts";

/** Keeps the wanted number of pods of every ReplicaSet. */
export const startReplicaSets: StartController = (context) =>
  startReplicators<ReplicaSet>(context, {
    ref: replicaSets,
    component: "replicaset-controller",
    matches: (rs, pod) => labelSelectorMatches(rs.spec?.selector, pod.metadata.labels),
    hasTerminating: true,
  });
