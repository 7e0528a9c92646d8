// Which pod answers for a service behind services/NAME/proxy: a ready endpoint of the port that was asked for.
import { failure, type StatusError } from "../../../core/api/status.ts";
import type { EndpointSlice, Service } from "../../../core/api/types.ts";

export interface EndpointChoice {
  host: string;
  port: number;
  /** Name of the pod behind it, in the service's namespace. */
  pod: string;
}

const unavailable = (message: string): StatusError => failure(503, "ServiceUnavailable", message);

/** The name of the service's port: `asked` is a number, a name, or "" for the unnamed one. */
export function servicePortName(service: Service, asked: string): string | StatusError {
  if (!/^\d+$/.test(asked)) return asked;
  const port = (service.spec?.ports ?? []).find((p) => p.port === Number(asked));
  if (port) return port.name ?? "";
  return unavailable(
    `no service port ${Number(asked)} found for service ${JSON.stringify(service.metadata.name)}`,
  );
}

/**
 * Every endpoint of the service's primary family that may be asked, best first to try: ready ones backed by a pod. `start` in
 * [0, 1) rotates them.
 */
export function endpointChoices(
  service: Service,
  slices: readonly EndpointSlice[],
  portName: string,
  start: number,
): EndpointChoice[] {
  const all: EndpointChoice[] = [];
  for (const slice of slices) {
    if (slice.addressType !== (service.spec?.ipFamilies?.[0] ?? "IPv4")) continue;
    const port = (slice.ports ?? []).find((p) => (p.name ?? "") === portName && p.port !== undefined);
    if (!port) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const host = endpoint.addresses[0];
      if (endpoint.conditions?.ready === false || !host) continue;
      // Only pods are proxied to: an endpoint without one could point the API server at anything.
      if (endpoint.targetRef?.kind !== "Pod" || !endpoint.targetRef.name) continue;
      all.push({ host, port: port.port!, pod: endpoint.targetRef.name });
    }
  }
  const at = Math.floor(start * all.length);
  return [...all.slice(at), ...all.slice(0, at)];
}

export const noEndpoints = (id: string): StatusError =>
  unavailable(`no endpoints available for service ${JSON.stringify(id)}`);
