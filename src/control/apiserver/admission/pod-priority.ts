// A pod's priority is that of its class; the two system classes exist without being stored (Priority admission).
import { forbidden } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";

const classes = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

export const podPriority: AdmissionPlugin = ({ operation, def, name, object, old, subresource }) => {
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
  const className = spec.priorityClassName ?? "";
  const subject = { group: "", resource: "pods" };
  const priority = className === "" ? 0 : classes.get(className);
  if (priority === undefined)
    throw forbidden(subject, name, `no PriorityClass with name ${className} was found`);
  if (spec.priority !== undefined && spec.priority !== priority)
    throw forbidden(
      subject,
      name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  spec.priority = priority;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
};
