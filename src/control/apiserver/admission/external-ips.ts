// No Service takes up external addresses that it has not had (DenyServiceExternalIPs admission): whoever may write Services
// could otherwise have the nodes answer in the place of any other machine (CVE-2020-8554).
import { forbidden } from "../../../core/api/status.ts";
import type { Service } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { subjectOf } from "../registry.ts";

export const denyExternalIPs: AdmissionPlugin = ({ def, name, object, old, subresource }) => {
  if (def.group !== "" || def.plural !== "services" || subresource !== "" || !object) return;
  const had = new Set((old as Service | undefined)?.spec?.externalIPs);
  if (((object as Service).spec?.externalIPs ?? []).some((ip) => !had.has(ip)))
    throw forbidden(subjectOf(def), name, "Use of external IPs is denied by admission control");
};
