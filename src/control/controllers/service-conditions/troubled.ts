// Remembers which Services select nothing, by namespace: a pod that comes there may be what they wait for, or near it.
import { type AdviceInput, adviseService, type Finding } from "../../../core/advice/mod.ts";
import type { Service } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";

export interface Troubled {
  /** The findings, remembered. */
  judge(service: Service, input: AdviceInput): Finding[];
  /** Services of the namespace that select nothing; none when there are so many that a pod must not wake them all. */
  lonely(namespace: string): Iterable<string>;
  forget(key: string): void;
}

const most = 50;

export function createTroubled(): Troubled {
  const byNamespace = new Map<string, Set<string>>();
  const namespaceOf = (key: string): string => key.slice(0, key.indexOf("/"));
  function forget(key: string): void {
    const keys = byNamespace.get(namespaceOf(key));
    keys?.delete(key);
    if (keys?.size === 0) byNamespace.delete(namespaceOf(key));
  }
  return {
    judge(service, input) {
      const findings = adviseService(input);
      const key = objectKey(service);
      if (!findings.some((f) => f.reason === "NoPodsSelected")) forget(key);
      else {
        const keys = byNamespace.get(namespaceOf(key)) ?? new Set();
        byNamespace.set(namespaceOf(key), keys.add(key));
      }
      return findings;
    },
    lonely(namespace) {
      const keys = byNamespace.get(namespace);
      return keys && keys.size <= most ? [...keys] : [];
    },
    forget,
  };
}
