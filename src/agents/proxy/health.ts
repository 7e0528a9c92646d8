// What the proxy answers when it is asked for health, in kube-proxy's words: /healthz, /livez, and the health check node ports by
// which load balancers find the nodes that have endpoints (Service API, externalTrafficPolicy).
import type { Node } from "../../core/api/types.ts";
import type { HealthAnswer } from "./ports.ts";

export interface ProxyHealth {
  /** Milliseconds since the epoch of the last transaction that went through. */
  readonly lastUpdated: number | undefined;
  /** Since when a change waits; undefined when none does. */
  readonly waitingSince: number | undefined;
}

/** A change that waits longer than this makes the proxy unhealthy (twice kube-proxy's sync period). */
const patienceMs = 60_000;

export function isHealthy(h: ProxyHealth, now: number): boolean {
  return h.lastUpdated !== undefined && (h.waitingSince === undefined || now - h.waitingSince < patienceMs);
}

const noSniff = { "content-type": "application/json", "x-content-type-options": "nosniff" };

/** The taint of a node that the cluster autoscaler is about to remove. */
const toBeDeleted = "ToBeDeletedByClusterAutoscaler";

/** Load balancers are to send nothing new to a node that is going (KEP-3836), nor to one that is not there. */
export const isEligible = (node: Node | undefined): boolean =>
  node !== undefined &&
  node.metadata.deletionTimestamp === undefined &&
  !(node.spec?.taints ?? []).some((t) => t.key === toBeDeleted);

export interface HealthFacts {
  /** "IPv4", "IPv6": those that the proxy programs. */
  readonly families: readonly string[];
  /** Only /healthz says and heeds it; /livez is about the proxy alone. */
  readonly nodeEligible?: boolean;
}

/** The answer to /healthz, or without `nodeEligible` to /livez. */
export function healthAnswer(h: ProxyHealth, now: number, facts: HealthFacts): HealthAnswer {
  const { families, nodeEligible } = facts;
  const time = (ms: number): string => new Date(ms).toISOString();
  const healthy = isHealthy(h, now);
  const good = healthy && nodeEligible !== false;
  const lastUpdated = time(h.lastUpdated ?? 0);
  const body = {
    lastUpdated: good ? time(now) : lastUpdated,
    currentTime: time(now),
    ...(nodeEligible === undefined ? {} : { nodeEligible }),
    healthy,
    status: Object.fromEntries(families.map((f) => [f, { lastUpdated, healthy }])),
  };
  return { status: good ? 200 : 503, headers: noSniff, body: JSON.stringify(body) };
}

export function healthNodePortAnswer(
  service: string,
  localEndpoints: number,
  proxyHealthy: boolean,
): HealthAnswer {
  const [namespace, name] = service.split("/");
  return {
    status: localEndpoints > 0 && proxyHealthy ? 200 : 503,
    headers: { ...noSniff, "x-load-balancing-endpoint-weight": `${localEndpoints}` },
    body: `{
	"service": {
		"namespace": ${JSON.stringify(namespace)},
		"name": ${JSON.stringify(name)}
	},
	"localEndpoints": ${localEndpoints},
	"serviceProxyHealthy": ${proxyHealthy}
}`,
  };
}
