// ReplicationControllers are ReplicaSets with a plain map as selector (pkg/controller/replication).
import { replicationControllers } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { ReplicationController } from "../../../core/api/types.ts";
import type { StartController } from "../context.ts";
import { startReplicators } from "../replicaset/mod.ts";

/** Keeps the wanted number of pods of every ReplicationController. */
export const startReplicationControllers: StartController = (context) =>
  startReplicators<ReplicationController>(context, {
    ref: replicationControllers,
    component: "replication-controller",
    matches(rc, pod) {
      const matchLabels = rc.spec?.selector ?? {};
      return (
        Object.keys(matchLabels).length > 0 && labelSelectorMatches({ matchLabels }, pod.metadata.labels)
      );
    },
    hasTerminating: false,
  });
