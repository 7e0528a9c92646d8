// A pod stays five minutes on a node that is not ready or not reachable, unless it says otherwise (DefaultTolerationSeconds).
import type { Pod, Toleration } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";

const keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const seconds = 300;

const tolerates = (t: Toleration, key: string): boolean =>
  (t.key === key || !t.key) && (!t.effect || t.effect === "NoExecute");

export const podTolerations: AdmissionPlugin = ({ operation, def, object, subresource }) => {
  if (operation === "DELETE" || def.group !== "" || def.plural !== "pods" || !object || subresource !== "")
    return;
  const { spec } = object as Pod;
  if (!spec) return;
  const missing = keys.filter((key) => !(spec.tolerations ?? []).some((t) => tolerates(t, key)));
  if (missing.length === 0) return;
  spec.tolerations = [
    ...(spec.tolerations ?? []),
    ...missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds })),
  ];
};
