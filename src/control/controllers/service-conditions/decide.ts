// What the status of a Service says: whether every node's kernel has it (Programmed) and whether it has somebody to send its
// clients to (Serving). docs/service-conditions.md is the contract.
import type { Finding } from "../../../core/advice/mod.ts";
import { programmedCondition, servingCondition } from "../../../core/api/kinds/service/mod.ts";
import type { Service } from "../../../core/api/types.ts";
import { isUnproxied } from "../../../core/network/mod.ts";
import { loadBalancerAddresses, wantsLoadBalancer } from "../load-balancer/mod.ts";

export { programmedCondition };

type Condition = NonNullable<NonNullable<Service["status"]>["conditions"]>[number];

interface Word {
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

export interface Observed {
  service: Service;
  findings: readonly Finding[];
  /** The slices are what the pods of this moment make of the Service. */
  slicesFollow: boolean;
  hasReadyEndpoint: boolean;
  /** Every ready node's kernel has the Service and its slices. */
  covered: boolean;
  /** Every node has that address itself, as it has the cluster DNS. */
  answeredByNodes: boolean;
  /** Nodes whose kernel has not followed for too long. */
  stuck: readonly string[];
}

/** Nothing of it is in any kernel: a name in the DNS is all there is. */
export const isNameOnly = ({ spec }: Service): boolean =>
  spec?.type === "ExternalName" || spec?.clusterIP === "None";

const word = (status: Word["status"], reason: string, message: string): Word => ({ status, reason, message });

/** Undefined: it is not decided yet, so what the status says stays. */
function programmed({ service, slicesFollow, covered, stuck }: Observed): Word | undefined {
  if (isUnproxied(service))
    return word("Unknown", "OtherProxy", "its labels keep it from the nodes' proxies");
  if (isNameOnly(service)) return word("True", "NothingToProgram", "it has no address in the nodes' kernels");
  if (wantsLoadBalancer(service) && loadBalancerAddresses(service).length === 0)
    return word("False", "AddressNotAssigned", "the load balancer has no address yet");
  if (stuck.length > 0) {
    const named = stuck.slice(0, 5).join(", ") + (stuck.length > 5 ? ` and ${stuck.length - 5} more` : "");
    return word(
      "False",
      "NodesBehind",
      `not in the kernel of ${named}, which ${stuck.length === 1 ? "does" : "do"} not follow`,
    );
  }
  if (!covered || !slicesFollow) return undefined;
  return word("True", "Programmed", "the kernel of every ready node has it");
}

const longest = 1024;

function serving(observed: Observed): Word | undefined {
  const { service, findings, slicesFollow, covered, hasReadyEndpoint } = observed;
  if (observed.answeredByNodes)
    return word("True", "AnsweredByNodes", "every node answers at its address itself");
  const message = findings
    .map((f) => f.message)
    .join("; ")
    .slice(0, longest);
  const wrong = findings.find((f) => f.severity !== "advice");
  if (wrong) return word("False", wrong.reason, message);
  if (service.spec?.type === "ExternalName")
    return word("True", "NameGiven", message || "it is an alias in the DNS");
  const inKernel = isNameOnly(service) || isUnproxied(service) || covered;
  if (!slicesFollow || !hasReadyEndpoint || !inKernel) return undefined;
  return word("True", findings[0]?.reason ?? "EndpointsReady", message || "it has a ready endpoint");
}

export interface Verdict {
  /** Conditions that are to be written. */
  conditions: Condition[];
  /** Only their messages differ from what the status says. */
  rewordingOnly: boolean;
}

/** `now` is RFC 3339. Conditions of other types are nobody's business here. */
export function decideConditions(observed: Observed, now: string): Verdict {
  const { service } = observed;
  const { generation } = service.metadata;
  const before = service.status?.conditions ?? [];
  const out: Verdict = { conditions: [], rewordingOnly: true };
  const wanted: [type: string, Word | undefined][] = [
    [programmedCondition, programmed(observed)],
    [servingCondition, serving(observed)],
  ];
  for (const [type, w] of wanted) {
    if (!w) continue;
    const old = before.find((c) => c.type === type);
    const same = old?.status === w.status && old.reason === w.reason;
    if (same && old.message === w.message && old.observedGeneration === generation) continue;
    if (!same) out.rewordingOnly = false;
    out.conditions.push({
      type,
      ...w,
      lastTransitionTime: old?.status === w.status ? old.lastTransitionTime : now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    });
  }
  return out;
}
