// From a change of a dependent to the owners that have to look: the controller it names, or for an orphan whoever might adopt it.
import type { KubeObject } from "../../../core/api/types.ts";
import { type Informer, objectKey } from "../../client/mod.ts";
import { controllerOf } from "./controller-ref.ts";

export interface Ownership<D extends KubeObject, O extends KubeObject> {
  dependents: Informer<D>;
  owners: Informer<O>;
  /** The owners' kind, as owner references name it. */
  kind: string;
  /** Whether the owner's selector matches. */
  matches(owner: O, dependent: D): boolean;
  /** A change of a dependent without a controller, beside its possible owners being woken. */
  orphaned?(dependent: D): void;
}

/**
 * Calls `wake` with the keys of the owners concerned whenever a dependent comes, changes or goes; one that changed hands wakes
 * both. Returns the function that does so for one dependent.
 */
export function wakeOwners<D extends KubeObject, O extends KubeObject>(
  { dependents, owners, kind, matches, orphaned }: Ownership<D, O>,
  wake: (key: string) => void,
): (dependent: D) => void {
  function changed(dependent: D): void {
    const controller = controllerOf(dependent);
    const { namespace } = dependent.metadata;
    if (controller) {
      if (controller.kind === kind) wake(`${namespace}/${controller.name}`);
      return;
    }
    for (const owner of owners.byIndex("namespace", namespace ?? ""))
      if (matches(owner, dependent)) wake(objectKey(owner));
    orphaned?.(dependent);
  }
  dependents.on({
    added: changed,
    updated(dependent, old) {
      changed(dependent);
      if (controllerOf(old)?.uid !== controllerOf(dependent)?.uid) changed(old);
    },
    deleted: changed,
  });
  return changed;
}
