// What a kubelet's refusal of a stream means to a client that has been let in already: its own Status when it sent one, else
// the words that client-go's SPDY executor finds for it.
import { internalError, type Status } from "../../../core/api/status.ts";
import type { UpgradeAnswer } from "../../client/mod.ts";

export function refusalText(answer: Extract<UpgradeAnswer, { kind: "refused" }>): Status {
  const text = answer.body.toString("utf8");
  try {
    const status = JSON.parse(text) as Status;
    if (status?.kind === "Status") return status;
  } catch {
    // Plain text, as kubelets answer.
  }
  return internalError(`unable to upgrade connection: ${text}`).status;
}
