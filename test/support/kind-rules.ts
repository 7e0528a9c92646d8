// How tests call the rules of a kind without a server: the context a request would give, and objects as a create leaves them.
import { pod } from "../../src/core/api/kinds/pod/mod.ts";
import { service } from "../../src/core/api/kinds/service/mod.ts";
import type { StrategyContext } from "../../src/core/api/resource.ts";
import type { Pod, PodSpec, Service, ServiceSpec } from "../../src/core/api/types.ts";

export const ctx: StrategyContext = {
  now: "2026-01-01T00:00:00Z",
  user: { name: "admin", groups: [] },
  ipFamilies: ["IPv4"],
};

/** A Pod of one container, with its defaults and prepared for its creation. */
export function createPod(spec: object): Pod {
  const p: Pod = {
    metadata: { name: "web", namespace: "default", resourceVersion: "1" },
    spec: { containers: [{ name: "c", image: "nginx" }], ...spec } as PodSpec,
  };
  pod.setDefaults!(p);
  pod.prepareForCreate!(p, ctx);
  return p;
}

/** A Service of one port, as a client sends it. */
export function makeService(spec: Partial<ServiceSpec> & Record<string, unknown>): Service {
  return {
    metadata: { name: "web", namespace: "default", resourceVersion: "1" },
    spec: { ports: [{ port: 80 }], ...spec } as ServiceSpec,
  };
}

/** The same with its defaults and prepared for its creation. */
export function createService(spec: Record<string, unknown>, annotations?: Record<string, string>): Service {
  const s = makeService(spec);
  if (annotations) s.metadata.annotations = annotations;
  service.setDefaults!(s);
  service.prepareForCreate!(s, ctx);
  return s;
}
