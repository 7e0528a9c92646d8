// In-place resize of one pod's running containers (KEP-1287): what fits is carried out, what does not is told as pending.
import type { Pod } from "../../../core/api/types.ts";
import type { Rejection } from "../node/mod.ts";
import { linuxResources, resourcesText } from "../runtime/mod.ts";
import type { Resize } from "./decide.ts";
import type { PodParts } from "./parts.ts";
import type { PodState } from "./state.ts";

export interface PodResizes {
  /** Resources after a resize, by container id. */
  readonly resized: ReadonlyMap<string, string>;
  /** Why the last look left one undone. */
  readonly pending: PodState["resizePending"];
  carryOut(wanted: readonly Resize[]): Promise<void>;
}

export function createPodResizes(
  parts: PodParts,
  lackOfRoom: (pod: Pod) => Rejection | undefined,
): PodResizes {
  const { context } = parts;
  const resized = new Map<string, string>();
  let pending: PodState["resizePending"];

  async function resize({ spec, container }: Resize): Promise<void> {
    const text = resourcesText(spec.container);
    // Its OOM score is what it was started with.
    const { oomScoreAdj: _, ...resources } = linuxResources(
      parts.pod(),
      spec.container,
      context.facts.memoryCapacity,
    );
    await context.runtime.updateResources(container.id, resources);
    resized.set(container.id, text);
  }

  return {
    resized,
    get pending() {
      return pending;
    },
    async carryOut(wanted) {
      pending = undefined;
      if (wanted.length === 0) return;
      const refusal = lackOfRoom(parts.pod());
      if (refusal) {
        const message = refusal.never ?? refusal.message.replace("Pod was rejected: ", "");
        pending = { reason: refusal.never ? "Infeasible" : "Deferred", message };
        return;
      }
      for (const r of wanted)
        await resize(r).catch((error) => {
          pending = { reason: "Error", message: (error as Error).message };
        });
    },
  };
}
