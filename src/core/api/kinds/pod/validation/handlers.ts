// Probes and lifecycle hooks (kubernetes pkg/apis/core/validation validateProbe, validateHandler, validateLifecycle).
import type { FieldError } from "../../../status.ts";
import type { Container, LifecycleHandler, Probe } from "../../../types.ts";
import {
  forbidden,
  httpHeaderName,
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  required,
} from "../../meta/mod.ts";
import { validatePortNumberOrName } from "../../service/mod.ts";

type Handler = Pick<LifecycleHandler, "exec" | "httpGet" | "tcpSocket" | "sleep"> & Pick<Probe, "grpc">;

function validateHttpGet(h: NonNullable<Handler["httpGet"]>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!h.path) errors.push(required(`${path}.path`));
  errors.push(...validatePortNumberOrName(`${path}.port`, h.port as number | string));
  if (h.scheme !== "HTTP" && h.scheme !== "HTTPS")
    errors.push(notSupported(`${path}.scheme`, h.scheme, ["HTTP", "HTTPS"]));
  for (const header of h.httpHeaders ?? [])
    errors.push(...invalidEach(`${path}.httpHeaders`, header.name ?? "", httpHeaderName(header.name ?? "")));
  return errors;
}

function validateOne(kind: keyof Handler, h: Handler, path: string, grace: number | undefined): FieldError[] {
  switch (kind) {
    case "exec":
      return (h.exec?.command ?? []).length === 0 ? [required(`${path}.command`)] : [];
    case "httpGet":
      return validateHttpGet(h.httpGet!, path);
    case "tcpSocket":
      return validatePortNumberOrName(`${path}.port`, h.tcpSocket!.port as number | string);
    case "grpc":
      return validatePortNumberOrName(`${path}.port`, h.grpc!.port);
    case "sleep": {
      const seconds = h.sleep!.seconds;
      const bad = grace !== undefined && (seconds < 0 || seconds > grace);
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
      return bad ? [invalid(path, seconds, detail)] : [];
    }
  }
}

const kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

function validateHandler(h: Handler, path: string, grace: number | undefined): FieldError[] {
  const set = kinds.filter((k) => h[k] != null);
  if (set.length === 0) return [required(path, "must specify a handler type")];
  return set.flatMap((k, i) =>
    i > 0
      ? [forbidden(`${path}.${k}`, "may not specify more than 1 handler type")]
      : validateOne(k, h, `${path}.${k}`, grace),
  );
}

const numbers = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function validateProbe(
  probe: Probe | null | undefined,
  kind: "liveness" | "readiness" | "startup",
  path: string,
): FieldError[] {
  if (probe == null) return [];
  const errors = validateHandler(probe, path, undefined);
  for (const n of numbers) errors.push(...notNegative(`${path}.${n}`, probe[n]));
  const grace = probe.terminationGracePeriodSeconds;
  const at = `${path}.terminationGracePeriodSeconds`;
  if (grace != null && grace <= 0) errors.push(invalid(at, grace, "must be greater than 0"));
  if (kind === "readiness") {
    if (grace != null) errors.push(invalid(at, grace, "must not be set for readinessProbes"));
  } else if (probe.successThreshold !== 1)
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1"));
  return errors;
}

/** Hooks and probes of a container that stays up. `grace` is the pod's terminationGracePeriodSeconds. */
export function validateHandlers(c: Container, path: string, grace: number | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const hook of ["postStart", "preStop"] as const)
    if (c.lifecycle?.[hook])
      errors.push(...validateHandler(c.lifecycle[hook], `${path}.lifecycle.${hook}`, grace));
  return [
    ...errors,
    ...validateProbe(c.livenessProbe, "liveness", `${path}.livenessProbe`),
    ...validateProbe(c.readinessProbe, "readiness", `${path}.readinessProbe`),
    ...validateProbe(c.startupProbe, "startup", `${path}.startupProbe`),
  ];
}

/** An init container that ends has none of them. */
export function forbidHandlers(c: Container, path: string): FieldError[] {
  return (["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const)
    .filter((k) => c[k] != null)
    .map((k) => forbidden(`${path}.${k}`, "may not be set for init containers without restartPolicy=Always"));
}
