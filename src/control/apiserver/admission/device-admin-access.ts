// Claims of devices with an administrator's access, to which no other claim has an exclusive right, are made only in namespaces that
// are labelled for it (kubernetes pkg/registry/resource AuthorizedForAdmin).
import { invalid } from "../../../core/api/status.ts";
import type {
  DeviceClaim,
  KubeObject,
  ResourceClaim,
  ResourceClaimTemplate,
} from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { storedObject } from "../stored-object.ts";

const group = "resource.k8s.io";
const label = "resource.kubernetes.io/admin-access";

const asked = (devices: DeviceClaim | undefined): number =>
  (devices?.requests ?? []).findIndex((r) => r.exactly?.adminAccess === true);
const given = (claim: KubeObject | undefined): number =>
  ((claim as ResourceClaim | undefined)?.status?.allocation?.devices?.results ?? []).findIndex(
    (r) => r.adminAccess === true,
  );

/** The field that wants the access for the first time. */
function wanting(request: Parameters<AdmissionPlugin>[0]): string | undefined {
  const { operation, def, subresource, object, old } = request;
  if (def.group !== group || !def.namespaced || !object) return undefined;
  if (operation === "UPDATE" && subresource === "status" && given(old) < 0) {
    const i = given(object);
    return i < 0 ? undefined : `status.allocation.devices.results[${i}].adminAccess`;
  }
  if (operation !== "CREATE") return undefined;
  const { spec } = object as ResourceClaim | ResourceClaimTemplate;
  const i = asked(spec && "spec" in spec ? spec.spec?.devices : spec?.devices);
  return i < 0 ? undefined : `spec.devices.requests[${i}].adminAccess`;
}

export const deviceAdminAccess: AdmissionPlugin = (request, core) => {
  const field = wanting(request);
  if (field === undefined) return;
  const namespace = core.store.get(`/registry/core/namespaces/${request.namespace}`);
  if (namespace && storedObject(namespace).metadata.labels?.[label] === "true") return;
  const detail = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
  throw invalid(request.def, request.name, [{ type: "FieldValueForbidden", field, detail }]);
};
