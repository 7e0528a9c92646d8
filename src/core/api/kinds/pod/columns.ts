// The columns of `kubectl get pods`.
import type { Column, RowCondition } from "../../resource.ts";
import type { Pod } from "../../types.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import { readinessGatesCell, restartsCell, summarizePod } from "./status-cell.ts";

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  column("Ready", "The aggregate readiness state of this pod for accepting traffic.", (p) => {
    const { ready, total } = summarizePod(p);
    return `${ready}/${total}`;
  }),
  column("Status", "The aggregate status of the containers in this pod.", (p) => summarizePod(p).status),
  column(
    "Restarts",
    "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    (p, now) => restartsCell(summarizePod(p), now),
  ),
  ageColumn,
  column("IP", "IP address of the pod.", (p) => p.status?.podIPs?.[0]?.ip || "<none>", { wide: true }),
  column("Node", "The node that the pod is scheduled to.", (p) => p.spec?.nodeName || "<none>", {
    wide: true,
  }),
  column(
    "Nominated Node",
    "The node that the pod is waiting for after preemption.",
    (p) => p.status?.nominatedNodeName || "<none>",
    { wide: true },
  ),
  column("Readiness Gates", "Readiness gates whose condition is true.", readinessGatesCell, { wide: true }),
];

export function podRowConditions(p: Pod): RowCondition[] {
  if (p.status?.phase === "Succeeded")
    return [
      {
        type: "Completed",
        status: "True",
        reason: "Succeeded",
        message: "The pod has completed successfully.",
      },
    ];
  if (p.status?.phase === "Failed")
    return [{ type: "Completed", status: "True", reason: "Failed", message: "The pod failed." }];
  return [];
}
