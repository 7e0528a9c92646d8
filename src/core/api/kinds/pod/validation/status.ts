// What the status endpoint takes of a pod (kubernetes pkg/apis/core/validation ValidatePodStatusUpdate).
import { parseIP } from "../../../../net/mod.ts";
import type { FieldError } from "../../../status.ts";
import type { ContainerStatus, Pod } from "../../../types.ts";
import {
  dns1123Subdomain,
  duplicate,
  forbidden,
  immutable,
  invalid,
  invalidEach,
  qualifiedName,
  validateIP,
} from "../../meta/mod.ts";

const system = new Set(["PodScheduled", "Ready", "Initialized"]);

/** A container that has ended stays ended, unless it may restart. */
function validateTransitions(
  now: readonly ContainerStatus[],
  was: readonly ContainerStatus[],
  path: string,
  mayRestart: (c: ContainerStatus) => boolean,
): FieldError[] {
  return was.flatMap((old, i) => {
    if (!old.state?.terminated || mayRestart(old)) return [];
    const revived = now.some((c) => c.name === old.name && !c.state?.terminated);
    return revived
      ? [forbidden(`${path}[${i}].state`, "may not be transitioned to non-terminated state")]
      : [];
  });
}

function validateAddresses(
  ips: readonly { ip?: string }[],
  old: readonly { ip?: string }[],
  path: string,
): FieldError[] {
  const known = old.map((o) => o.ip ?? "");
  const errors = ips.flatMap((a, i) => validateIP(`${path}[${i}]`, a.ip ?? "", known));
  if (ips.length < 2) return errors;
  const families = new Set(ips.map((a) => parseIP(a.ip ?? "")?.family));
  if (families.size < 2 || ips.length > 2)
    errors.push(invalid(path, ips, "may specify no more than one IP for each IP family"));
  for (const [i, a] of ips.entries())
    if (ips.findIndex((b) => b.ip === a.ip) < i) errors.push(duplicate(`${path}[${i}]`, a));
  return errors;
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const now = pod.status ?? {};
  const was = old.status ?? {};
  const policy = old.spec?.restartPolicy ?? "Always";
  const own = new Map(
    [...(old.spec?.containers ?? []), ...(old.spec?.initContainers ?? [])].map((c) => [
      c.name,
      c.restartPolicy,
    ]),
  );
  const mayRestart = (c: ContainerStatus): boolean => {
    const p = own.get(c.name) ?? policy;
    return p === "Always" || (p === "OnFailure" && c.state?.terminated?.exitCode !== 0);
  };
  const errors = (now.conditions ?? []).flatMap((c, i) =>
    system.has(c.type)
      ? []
      : invalidEach(`metadata.conditions[${i}].Type`, c.type, qualifiedName(c.type ?? "")),
  );
  const nominated = now.nominatedNodeName;
  if (nominated && nominated !== was.nominatedNodeName)
    errors.push(...invalidEach("status.nominatedNodeName", nominated, dns1123Subdomain(nominated)));
  errors.push(
    ...immutable("status.qosClass", now.qosClass, was.qosClass),
    ...validateTransitions(
      now.containerStatuses ?? [],
      was.containerStatuses ?? [],
      "status.containerStatuses",
      mayRestart,
    ),
    ...validateTransitions(
      now.initContainerStatuses ?? [],
      was.initContainerStatuses ?? [],
      "status.initContainerStatuses",
      mayRestart,
    ),
    ...validateTransitions(
      now.ephemeralContainerStatuses ?? [],
      was.ephemeralContainerStatuses ?? [],
      "status.ephemeralContainerStatuses",
      () => false,
    ),
    ...validateAddresses(now.podIPs ?? [], was.podIPs ?? [], "status.podIPs"),
  );
  const hostIPs = now.hostIPs ?? [];
  if (hostIPs.length > 0 && now.hostIP !== hostIPs[0]!.ip)
    errors.push(invalid("status.hostIPs[0].ip", hostIPs[0]!.ip, "must be equal to `hostIP`"));
  return [...errors, ...validateAddresses(hostIPs, was.hostIPs ?? [], "status.hostIPs")];
}
