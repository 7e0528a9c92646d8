// Which handler of the container runtime a pod's RuntimeClass names (kubelet runtimeclass manager).
import type { KubeClient } from "../../../control/client/mod.ts";
import { runtimeClasses } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/api/types.ts";

/** The pod's RuntimeClass is not there, or could not be asked for. */
export class NoRuntimeClass extends Error {
  override readonly name = "NoRuntimeClass";
}

/** Undefined: the runtime's default handler. Throws NoRuntimeClass. */
export async function runtimeHandler(client: Pick<KubeClient, "get">, pod: Pod): Promise<string | undefined> {
  const name = pod.spec?.runtimeClassName;
  if (!name) return undefined;
  try {
    return (await client.get(runtimeClasses, name)).handler || undefined;
  } catch (error) {
    throw new NoRuntimeClass(
      isNotFound(error)
        ? `runtimeclass.node.k8s.io "${name}" not found`
        : `failed to lookup RuntimeClass ${name}: ${(error as Error).message}`,
    );
  }
}
