// A container's own restart policy and rules (KEP-753 for sidecars, KEP-5307 for rules by exit code).
import type { FieldError } from "../../../status.ts";
import type { Container } from "../../../types.ts";
import { inRange, invalidEach, notSupported, required, tooMany } from "../../meta/mod.ts";

const policies = ["Always", "Never", "OnFailure"];
const operators = ["In", "NotIn"];
const MAX_RULES = 20;
const MAX_CODES = 255;

export function validateRestartPolicy(c: Container, path: string): FieldError[] {
  const policy = c.restartPolicy;
  const rules = c.restartPolicyRules ?? [];
  const at = `${path}.restartPolicy`;
  const errors: FieldError[] = [];
  if (policy != null && !policies.includes(policy)) errors.push(notSupported(at, policy, policies));
  if (policy == null && rules.length > 0)
    errors.push(required(at, "must specify restartPolicy when restart rules are used"));
  if (rules.length > MAX_RULES) errors.push(tooMany(`${path}.restartPolicyRules`, rules.length, MAX_RULES));
  for (const [i, rule] of rules.entries()) {
    const here = `${path}.restartPolicyRules[${i}]`;
    if (rule.action !== "Restart") errors.push(notSupported(`${here}.action`, rule.action, ["Restart"]));
    if (rule.exitCodes == null) {
      errors.push(required(`${here}.exitCodes`, "must be specified"));
      continue;
    }
    const { operator, values } = rule.exitCodes;
    if (!operators.includes(operator))
      errors.push(notSupported(`${here}.exitCodes.operator`, operator, operators));
    const codes = values ?? [];
    if (codes.length > MAX_CODES) errors.push(tooMany(`${here}.exitCodes.values`, codes.length, MAX_CODES));
    for (const [j, code] of codes.entries())
      errors.push(...invalidEach(`${here}.exitCodes.values[${j}]`, code, inRange(code, 0, 255)));
  }
  return errors;
}
