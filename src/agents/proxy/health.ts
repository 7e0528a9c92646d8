// What the proxy answers when it is asked for health, in kube-proxy's words: /healthz, and the health check node ports by
// which load balancers find the nodes that have endpoints (Service API, externalTrafficPolicy).
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

export function healthzAnswer(h: ProxyHealth, now: number): HealthAnswer {
  const time = (ms: number): string => new Date(ms).toISOString();
  const healthy = isHealthy(h, now);
  const body = {
    lastUpdated: time(healthy ? now : (h.lastUpdated ?? 0)),
    currentTime: time(now),
    nodeEligible: true,
  };
  return { status: healthy ? 200 : 503, headers: noSniff, body: JSON.stringify(body) };
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
