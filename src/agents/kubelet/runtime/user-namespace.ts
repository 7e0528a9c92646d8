// A pod that wants users of its own (spec.hostUsers: false, KEP-127) is not run with the machine's instead: nothing here maps
// them.
import type { Pod } from "../../../core/api/types.ts";

/** The pod wants a user namespace, and there is none to be had. */
export class NoUserNamespace extends Error {
  override readonly name = "NoUserNamespace";
}

/** Throws NoUserNamespace for a pod that may not run with the machine's users. `handler`: of its RuntimeClass, if it has one. */
export function refuseUserNamespace(pod: Pod, handler: string | undefined): void {
  if (pod.spec?.hostUsers !== false) return;
  const who = handler === undefined ? "runtime" : `RuntimeClass handler "${handler}"`;
  throw new NoUserNamespace(`can't set \`spec.hostUsers: false\`, ${who} does not support user namespaces`);
}
