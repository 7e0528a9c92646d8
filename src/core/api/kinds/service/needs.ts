// What a Service of a given type has (kubernetes pkg/api/service, pkg/registry/core/service/storage).
import type { Service } from "../../types.ts";

/** Any type but ExternalName has a cluster IP, be it `None`. */
export const needsClusterIP = (s: Service): boolean =>
  s.spec?.type === "ClusterIP" || s.spec?.type === "NodePort" || s.spec?.type === "LoadBalancer";

/** Of a type that has node ports, whether or not they are given out by themselves. */
export const mayHaveNodePorts = (s: Service): boolean =>
  s.spec?.type === "NodePort" || s.spec?.type === "LoadBalancer";

/** Gets a node port for each port that names none. */
export const needsNodePort = (s: Service): boolean =>
  s.spec?.type === "NodePort" ||
  (s.spec?.type === "LoadBalancer" && s.spec.allocateLoadBalancerNodePorts !== false);

export const needsHealthCheckNodePort = (s: Service): boolean =>
  s.spec?.type === "LoadBalancer" && s.spec.externalTrafficPolicy === "Local";

/** Reached from outside the cluster: this is when externalTrafficPolicy means something. */
export const externallyAccessible = (s: Service): boolean =>
  s.spec?.type === "LoadBalancer" ||
  s.spec?.type === "NodePort" ||
  (s.spec?.type === "ClusterIP" && (s.spec.externalIPs ?? []).length > 0);

export const isHeadless = (s: Service): boolean =>
  s.spec?.clusterIPs?.length === 1 && s.spec.clusterIPs[0] === "None";
