// The Deployment controller: owns the ReplicaSets of every template a Deployment has had and moves pods from the old to the
// new ones, a step a change.
import {
  deployments as deploymentsRef,
  pods as podsRef,
  replicaSets as replicaSetsRef,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import type { StartController } from "../context.ts";
import { createKindLoop } from "../kind-loop.ts";
import { controllerOf, indexByController, wakeOwners } from "../ownership/mod.ts";
import { createRollout } from "./rollout.ts";

export const startDeployments: StartController = (context) => {
  const replicaSets = context.informers.of(replicaSetsRef);
  const pods = context.informers.of(podsRef);
  indexByController(replicaSets);
  indexByController(pods);
  const loop = createKindLoop(context, {
    ref: deploymentsRef,
    component: "deployment-controller",
    async reconcile(key) {
      const recheckMs = await rollout(key);
      if (recheckMs !== undefined) queue.add(key, recheckMs);
    },
  });
  const { objects: deployments, queue } = loop;
  const rollout = createRollout(context, loop);

  const setChanged = wakeOwners(
    {
      dependents: replicaSets,
      owners: deployments,
      kind: "Deployment",
      matches: (d, rs) => labelSelectorMatches(d.spec?.selector, rs.metadata.labels),
    },
    queue.add,
  );
  // Re-creation waits for the last old pod to be gone.
  pods.on({
    deleted(pod) {
      const owner = controllerOf(pod);
      if (owner?.kind !== "ReplicaSet") return;
      const rs = replicaSets.get(`${pod.metadata.namespace}/${owner.name}`);
      if (rs) setChanged(rs);
    },
  });
  return loop.run;
};
