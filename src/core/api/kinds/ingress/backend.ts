// Where a path of an Ingress leads: a Service's port, or an object of another API (kubernetes pkg/apis/networking/validation).
import type { FieldError } from "../../status.ts";
import type { IngressBackend } from "../../types.ts";
import { dns1123Label, invalid, invalidEach, portName, portNumber, required } from "../meta/mod.ts";
import { validateReference } from "./ingress-class.ts";

type ServiceBackend = NonNullable<IngressBackend["service"]>;

function validatePort(port: ServiceBackend["port"], path: string): FieldError[] {
  const { name, number } = port ?? {};
  if (name && number) return [invalid(path, "", "cannot set both port name & port number")];
  if (name) return invalidEach(`${path}.service.port.name`, name, portName(name));
  if (number) return invalidEach(`${path}.service.port.number`, number, portNumber(number));
  return [required(path, "port name or number is required")];
}

export function validateBackend(b: IngressBackend | undefined, path: string): FieldError[] {
  if (b?.resource && b.service) return [invalid(path, "", "cannot set both resource and service backends")];
  if (b?.resource) return validateReference(b.resource, `${path}.resource`);
  if (!b?.service) return [invalid(path, "", "resource or service backend is required")];
  const { name, port } = b.service;
  const field = `${path}.service.name`;
  return [
    ...(name ? invalidEach(field, name, dns1123Label(name)) : [required(field)]),
    ...validatePort(port, path),
  ];
}
