// Which nodes reach a slice or a device: one of the ways to say it (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { NodeSelector } from "../../types.ts";
import { dns1123Subdomain, invalid, invalidEach } from "../meta/mod.ts";
import { validateNodeSelector } from "../pod/mod.ts";

export interface NodeChoice {
  nodeName?: string;
  nodeSelector?: NodeSelector;
  allNodes?: boolean;
  perDeviceNodeSelection?: boolean;
}

/** What is wrong with each way that is taken, and which these are. `emptyName`: the words for a name that is empty. */
export function validateNodeChoice(
  c: NodeChoice,
  path: string,
  { emptyName }: { emptyName: string },
): { taken: string[]; errors: FieldError[] } {
  const taken: string[] = [];
  const errors: FieldError[] = [];
  if (c.nodeName === "") errors.push(invalid(`${path}.nodeName`, "", emptyName));
  else if (c.nodeName != null) {
    taken.push("`nodeName`");
    errors.push(...invalidEach(`${path}.nodeName`, c.nodeName, dns1123Subdomain(c.nodeName)));
  }
  if (c.nodeSelector) {
    taken.push("`nodeSelector`");
    errors.push(...validateNodeSelector(c.nodeSelector, `${path}.nodeSelector`));
  }
  for (const key of ["allNodes", "perDeviceNodeSelection"] as const) {
    if (c[key]) taken.push(`\`${key}\``);
    else if (c[key] != null)
      errors.push(invalid(`${path}.${key}`, false, "must be either unset or set to true"));
  }
  return { taken, errors };
}
