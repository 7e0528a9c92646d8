// The ports of a Service (kubernetes pkg/apis/core/validation validateServicePort).
import type { FieldError } from "../../status.ts";
import type { Service, ServicePort } from "../../types.ts";
import {
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  portName,
  portNumber,
  qualifiedName,
  required,
} from "../meta/mod.ts";
import { mayHaveNodePorts } from "./needs.ts";

export const protocols = ["SCTP", "TCP", "UDP"];

/** A port as number or as the name of a container's port. */
export function validatePortNumberOrName(
  path: string,
  port: number | string | null | undefined,
): FieldError[] {
  if (typeof port === "string") return invalidEach(path, port, portName(port));
  return invalidEach(path, port ?? 0, portNumber(port ?? 0));
}

function validatePort(
  p: ServicePort,
  path: string,
  others: { needsName: boolean; names: Set<string> },
): FieldError[] {
  const errors: FieldError[] = [];
  if (!p.name) {
    if (others.needsName) errors.push(required(`${path}.name`));
  } else {
    errors.push(...invalidEach(`${path}.name`, p.name, dns1123Label(p.name)));
    if (others.names.has(p.name)) errors.push(duplicate(`${path}.name`, p.name));
    others.names.add(p.name);
  }
  errors.push(...invalidEach(`${path}.port`, p.port ?? 0, portNumber(p.port ?? 0)));
  if (!p.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(p.protocol))
    errors.push(notSupported(`${path}.protocol`, p.protocol, protocols));
  errors.push(...validatePortNumberOrName(`${path}.targetPort`, p.targetPort));
  if (p.appProtocol != null)
    errors.push(...invalidEach(`${path}.appProtocol`, p.appProtocol, qualifiedName(p.appProtocol)));
  return errors;
}

export function validatePorts(s: Service): FieldError[] {
  const ports = s.spec?.ports ?? [];
  const names = new Set<string>();
  return ports.flatMap((p, i) => validatePort(p, `spec.ports[${i}]`, { needsName: ports.length > 1, names }));
}

/**
 * On create only ports of one number may share a node port, with different protocols: for another the allocator finds it taken
 * (pkg/registry/core/service/storage initNodePorts), whatever else is wrong. The first such refusal.
 */
export function validateNodePortsOnce(s: Service): FieldError[] {
  if (!mayHaveNodePorts(s)) return [];
  const portOf = new Map<number, number>();
  for (const [i, { port, nodePort }] of (s.spec?.ports ?? []).entries()) {
    if (!nodePort) continue;
    if ((portOf.get(nodePort) ?? port) !== port)
      return [invalid(`spec.ports[${i}].nodePort`, nodePort, "provided port is already allocated")];
    portOf.set(nodePort, port);
  }
  return [];
}

/** The key of a (protocol, port) pair as Go prints a ServicePort that has nothing else. */
const bare = (p: ServicePort): unknown => ({
  Name: "",
  Protocol: p.protocol,
  AppProtocol: null,
  Port: p.port,
  TargetPort: 0,
  NodePort: 0,
});

export function validatePortCollisions(s: Service): FieldError[] {
  const ports = s.spec?.ports ?? [];
  const errors: FieldError[] = [];
  if (s.spec?.type === "ClusterIP")
    for (const [i, p] of ports.entries())
      if (p.nodePort)
        errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  const collisions = (
    key: (p: ServicePort) => string | undefined,
    error: (p: ServicePort, i: number) => FieldError,
  ) => {
    const seen = new Set<string>();
    for (const [i, p] of ports.entries()) {
      const k = key(p);
      if (k === undefined) continue;
      if (seen.has(k)) errors.push(error(p, i));
      seen.add(k);
    }
  };
  collisions(
    (p) => (p.nodePort ? `${p.protocol}/${p.nodePort}` : undefined),
    (p, i) => duplicate(`spec.ports[${i}].nodePort`, p.nodePort),
  );
  collisions(
    (p) => `${p.protocol}/${p.port}`,
    (p, i) => duplicate(`spec.ports[${i}]`, bare(p)),
  );
  return errors;
}
