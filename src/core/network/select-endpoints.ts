// Which endpoints get traffic: ready ones that topology allows, terminating ones only when no ready one is left
// (KEP-1669), the node's own for policy Local. Follows kube-proxy's documented behaviour case for case.
import type { NodeFacts } from "./facts.ts";
import type { EndpointFact, Frontend, GroupName } from "./routing.ts";

export interface Selection {
  groups: { [G in GroupName]: readonly EndpointFact[] };
  /** Some endpoint somewhere could serve: an empty group then means "not from here" (drop), not "nowhere" (reject). */
  any: boolean;
}

/** How hints narrow the ready endpoints: only when every one carries them and one of them is meant for this node. */
function byTopology(ready: readonly EndpointFact[], facts: NodeFacts): readonly EndpointFact[] {
  if (ready.every((e) => e.hintNodes?.length)) {
    const here = ready.filter((e) => e.hintNodes!.includes(facts.nodeName));
    if (here.length > 0) return here;
  }
  if (facts.zone !== "" && ready.every((e) => e.hintZones?.length)) {
    const here = ready.filter((e) => e.hintZones!.includes(facts.zone));
    if (here.length > 0) return here;
  }
  return ready;
}

export function selectEndpoints(
  endpoints: readonly EndpointFact[],
  frontends: readonly Frontend[],
  facts: NodeFacts,
): Selection {
  const ready = endpoints.filter((e) => e.state === "ready");
  const terminating = endpoints.filter((e) => e.state === "terminating");
  const cluster = ready.length > 0 ? byTopology(ready, facts) : terminating;
  // Policy Local from outside still needs the cluster group: the node's own pods and processes use it.
  const usesLocal = frontends.some((f) => f.group === "local");
  let local: readonly EndpointFact[] = [];
  if (usesLocal) {
    local = ready.filter((e) => e.local);
    if (local.length === 0) local = terminating.filter((e) => e.local);
  }
  return { groups: { cluster, local }, any: cluster.length > 0 || local.length > 0 };
}
