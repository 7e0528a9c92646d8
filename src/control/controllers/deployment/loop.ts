// The Deployment controller: owns the ReplicaSets of every template a Deployment has had and moves pods from the old to the
// new ones, a step a change.
import {
  deployments as deploymentsRef,
  pods as podsRef,
  replicaSets as replicaSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { Deployment, ReplicaSet } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { controllerOf, indexByController } from "../ownership/mod.ts";
import { component, createRollout } from "./rollout.ts";

export const startDeployments: StartController = (context) => {
  const deployments = context.informers.of(deploymentsRef);
  const replicaSets = context.informers.of(replicaSetsRef);
  const pods = context.informers.of(podsRef);
  indexByController(replicaSets);
  indexByController(pods);
  const rollout = createRollout(context);
  const queue = controllerQueue(context, component, {
    async work(key) {
      const recheckMs = await rollout(key);
      if (recheckMs !== undefined) queue.add(key, recheckMs);
    },
  });

  const changed = (d: Deployment): void => queue.add(objectKey(d));
  deployments.on({ added: changed, updated: changed, deleted: changed });
  const setChanged = (rs: ReplicaSet): void => {
    const owner = controllerOf(rs);
    const { namespace } = rs.metadata;
    if (owner?.kind === "Deployment") queue.add(`${namespace}/${owner.name}`);
    if (owner) return;
    for (const d of deployments.byIndex("namespace", namespace ?? ""))
      if (labelSelectorMatches(d.spec?.selector, rs.metadata.labels)) changed(d);
  };
  replicaSets.on({
    added: setChanged,
    updated(rs, old) {
      setChanged(rs);
      if (controllerOf(old)?.uid !== controllerOf(rs)?.uid) setChanged(old);
    },
    deleted: setChanged,
  });
  // Re-creation waits for the last old pod to be gone.
  pods.on({
    deleted(pod) {
      const owner = controllerOf(pod);
      if (owner?.kind !== "ReplicaSet") return;
      const rs = replicaSets.get(`${pod.metadata.namespace}/${owner.name}`);
      if (rs) setChanged(rs);
    },
  });
  return (signal) => queue.run(signal);
};
