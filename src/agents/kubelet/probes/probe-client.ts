// The port through which probes and lifecycle hooks reach into pods, and the registry is felt for. edge/probe implements it.

export interface HttpCall {
  scheme: "http" | "https";
  host: string;
  port: number;
  /** With query, starting with "/". */
  path: string;
  headers: readonly (readonly [string, string])[];
  timeoutMs: number;
}

/** Rejections carry Go's wording of the failure, for it goes into events (`dial tcp 10.0.0.1:80: connect: connection refused`). */
export interface ProbeClient {
  /** Follows redirects on the same host. Certificates are not verified. */
  http(call: HttpCall): Promise<{ status: number; body: string }>;
  tcp(host: string, port: number, timeoutMs: number): Promise<void>;
  /** The serving status that grpc.health.v1.Health/Check answers: "SERVING", "NOT_SERVING"… */
  grpc(host: string, port: number, service: string, timeoutMs: number): Promise<string>;
  /** Whether a registry's host answers at all; says no within `timeoutMs`. */
  reachable(host: string, port: number, timeoutMs: number): Promise<boolean>;
}
