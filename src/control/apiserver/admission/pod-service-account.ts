// Every pod runs as a service account of its namespace, and has its token, the cluster's CA and its namespace as files
// (ServiceAccount admission; kubernetes plugin/pkg/admission/serviceaccount).
import { forbidden } from "../../../core/api/status.ts";
import type { Pod, ServiceAccount, Volume } from "../../../core/api/types.ts";
import type { AdmissionPlugin } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import { projectedSeconds } from "../tokens/mod.ts";
import { randomSuffix } from "../verbs/mod.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const mirror = "kubernetes.io/config.mirror";

function accessVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: projectedSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    },
  } as Volume;
}

function mountToken(pod: Pod): void {
  const spec = pod.spec!;
  const volumes = spec.volumes ?? [];
  const existing = volumes.find((v) => v.name?.startsWith("kube-api-access-"));
  let name = existing?.name;
  if (name === undefined)
    do name = `kube-api-access-${randomSuffix()}`;
    while (volumes.some((v) => v.name === name));
  let used = existing !== undefined;
  for (const c of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (c.volumeMounts?.some((m) => m.mountPath === mountPath)) continue;
    c.volumeMounts = [...(c.volumeMounts ?? []), { name, readOnly: true, mountPath }];
    used = used || true;
  }
  if (used && !existing) spec.volumes = [...volumes, accessVolume(name)];
}

export const podServiceAccount: AdmissionPlugin = ({ operation, def, namespace, name, object }, core) => {
  if (operation !== "CREATE" || def.group !== "" || def.plural !== "pods" || !object) return;
  const pod = object as Pod;
  if (pod.metadata.annotations && Object.hasOwn(pod.metadata.annotations, mirror)) return;
  pod.spec ??= {} as NonNullable<Pod["spec"]>;
  const spec = pod.spec;
  const accountName = spec.serviceAccountName || spec.serviceAccount || "default";
  spec.serviceAccountName = accountName;
  spec.serviceAccount = accountName;
  const kv = core.store.get(`/registry/core/serviceaccounts/${namespace}/${accountName}`);
  if (!kv)
    throw forbidden(
      { group: "", resource: "pods" },
      name,
      `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`,
    );
  const account = storedObject(kv) as ServiceAccount;
  if ((spec.imagePullSecrets?.length ?? 0) === 0 && (account.imagePullSecrets?.length ?? 0) > 0)
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets!);
  const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  if (automount && Array.isArray(spec.containers)) mountToken(pod);
};
