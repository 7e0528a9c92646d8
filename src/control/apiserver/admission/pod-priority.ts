// A pod's priority is that of its class, or of the class that is the default; there is one default at most (Priority
// admission).
import { systemPriorityClasses } from "../../../core/api/kinds/mod.ts";
import { forbidden } from "../../../core/api/status.ts";
import type { Pod, PriorityClass } from "../../../core/api/types.ts";
import type { AdmissionPlugin, ApiCore } from "../context.ts";
import { subjectOf } from "../registry.ts";
import { storedObject } from "../stored-object.ts";

const prefix = "/registry/scheduling.k8s.io/priorityclasses/";
const defaultPolicy = "PreemptLowerPriority";

/** The lowest, should there be several after all. */
function defaultClass(core: ApiCore): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const kv of core.store.range(prefix)) {
    const found = storedObject(kv) as PriorityClass;
    if (found.globalDefault && (!lowest || (found.value ?? 0) < (lowest.value ?? 0))) lowest = found;
  }
  return lowest;
}

type Resolved = Pick<PriorityClass, "metadata" | "value" | "preemptionPolicy">;

function classNamed(core: ApiCore, name: string): Resolved | undefined {
  const kv = core.store.get(`${prefix}${name}`);
  // The system's own are there from the first moment on, even before they are stored.
  return kv
    ? (storedObject(kv) as PriorityClass)
    : systemPriorityClasses.find((c) => c.metadata.name === name);
}

export const podPriority: AdmissionPlugin = ({ operation, def, name, object, old, subresource }, core) => {
  if (operation === "DELETE" || def.group !== "" || def.plural !== "pods" || !object || subresource !== "")
    return;
  const { spec } = object as Pod;
  if (!spec) return;
  if (operation === "UPDATE") {
    const was = (old as Pod | undefined)?.spec;
    if (spec.priority === undefined && was?.priority !== undefined) spec.priority = was.priority;
    if (spec.preemptionPolicy === undefined && was?.preemptionPolicy !== undefined)
      spec.preemptionPolicy = was.preemptionPolicy;
    return;
  }
  const subject = { group: "", resource: "pods" };
  const className = spec.priorityClassName ?? "";
  const resolved = className === "" ? defaultClass(core) : classNamed(core, className);
  if (className !== "" && !resolved)
    throw forbidden(subject, name, `no PriorityClass with name ${className} was found`);
  const priority = resolved?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== priority)
    throw forbidden(
      subject,
      name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  const policy = resolved?.preemptionPolicy ?? defaultPolicy;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw forbidden(
      subject,
      name,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  if (resolved) spec.priorityClassName = resolved.metadata.name!;
  spec.priority = priority;
  spec.preemptionPolicy = policy;
};

/** A second default is refused. */
export const oneDefaultPriority: AdmissionPlugin = ({ operation, def, name, object }, core) => {
  if (operation === "DELETE" || def.group !== "scheduling.k8s.io" || def.plural !== "priorityclasses") return;
  const wanted = object as PriorityClass | undefined;
  if (!wanted?.globalDefault) return;
  const there = defaultClass(core);
  if (!there || (operation === "UPDATE" && there.metadata.name === wanted.metadata.name)) return;
  throw forbidden(
    subjectOf(def),
    name,
    `PriorityClass ${there.metadata.name} is already marked as default. Only one default can exist`,
  );
};
