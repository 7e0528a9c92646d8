// What a cluster has from its first second: system namespaces, the Service of the API itself and that of the cluster's DNS.

import { systemPriorityClasses } from "../../core/api/kinds/mod.ts";
import {
  configMaps,
  endpointSlices,
  endpoints,
  namespaces,
  priorityClasses,
  type ResourceRef,
  serviceAccounts,
  serviceCIDRs,
  services,
  storageClasses,
} from "../../core/api/refs.ts";
import { isAlreadyExists, isNotFound } from "../../core/api/status.ts";
import type {
  ConfigMap,
  EndpointSlice,
  Endpoints,
  KubeObject,
  Service,
  StorageClass,
} from "../../core/api/types.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { rangesByFamily } from "../../core/cluster/ip-families.ts";
import { familyOf } from "../../core/net/mod.ts";
import { localProvisioner } from "../../core/scheduling/mod.ts";
import type { KubeClient } from "../client/mod.ts";

async function ensure<T extends KubeObject>(
  client: KubeClient,
  ref: ResourceRef<T>,
  object: KubeObject,
): Promise<void> {
  const { name, namespace } = object.metadata;
  try {
    await client.get(ref, name!, { namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(ref, object, { namespace }).catch((e) => {
      if (!isAlreadyExists(e)) throw e;
    });
  }
}

function kubernetesService(c: ClusterFacts): Partial<Service> & KubeObject {
  return {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: c.apiServiceAddress,
      clusterIPs: [c.apiServiceAddress],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: c.apiServer.port }],
    },
  };
}

function kubernetesEndpoints(c: ClusterFacts): Partial<Endpoints> & KubeObject {
  return {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
    },
    subsets: [
      {
        addresses: [{ ip: c.apiServer.host }],
        ports: [{ name: "https", port: c.apiServer.port, protocol: "TCP" }],
      },
    ],
  };
}

function kubernetesSlice(c: ClusterFacts): Omit<EndpointSlice, "apiVersion" | "kind"> & KubeObject {
  return {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "kubernetes" },
    },
    addressType: familyOf(c.apiServer.host),
    endpoints: [{ addresses: [c.apiServer.host], conditions: { ready: true } }],
    ports: [{ name: "https", port: c.apiServer.port, protocol: "TCP" }],
  };
}

/** No selector: DNS runs on every node, bound to this address. */
function dnsService(c: ClusterFacts): Partial<Service> & KubeObject {
  return {
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: {
        "k8s-app": "kube-dns",
        "kubernetes.io/cluster-service": "true",
        "kubernetes.io/name": "CoreDNS",
      },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: c.dnsAddress,
      clusterIPs: [c.dnsAddress],
      ports: [
        { name: "dns", protocol: "UDP", port: 53, targetPort: 53 },
        { name: "dns-tcp", protocol: "TCP", port: 53, targetPort: 53 },
        { name: "metrics", protocol: "TCP", port: 9153, targetPort: 9153 },
      ],
    },
  };
}

function rootCa(namespace: string, caCert: string): Partial<ConfigMap> & KubeObject {
  return {
    metadata: {
      name: "kube-root-ca.crt",
      namespace,
      annotations: {
        "kubernetes.io/description":
          "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
      },
    },
    data: { "ca.crt": caCert },
  };
}

/** Claims that name no class get directories of the node that their first pod runs on. */
const standardClass: Omit<StorageClass, "apiVersion" | "kind"> & KubeObject = {
  metadata: {
    name: "standard",
    annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
  },
  provisioner: localProvisioner,
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
};

/** What a server makes when it starts and its users may delete then. */
export async function ensureClasses(client: KubeClient): Promise<void> {
  await ensure(client, storageClasses, standardClass);
  for (const systemClass of systemPriorityClasses) await ensure(client, priorityClasses, systemClass);
}

/** The cluster's own ranges; a second family that the cluster was given later is added. */
async function ensureServiceRange(client: KubeClient, cluster: ClusterFacts): Promise<void> {
  const name = "kubernetes";
  const cidrs = [...rangesByFamily(cluster).values()].map((r) => r.serviceCIDR);
  await ensure(client, serviceCIDRs, { metadata: { name }, spec: { cidrs } } as KubeObject);
  const has = (await client.get(serviceCIDRs, name)).spec?.cidrs ?? [];
  if (cidrs.length === 2 && has.length === 1 && has[0] === cidrs[0])
    await client.patch(serviceCIDRs, name, { spec: { cidrs } }, { type: "merge" });
}

export const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Makes what is missing; the addresses of the API are corrected when they have changed. */
export async function ensureBootstrapObjects(
  client: KubeClient,
  cluster: ClusterFacts,
  /** PEM of the cluster's certificate authority. */
  caCert: string,
): Promise<void> {
  for (const name of systemNamespaces) {
    await ensure(client, namespaces, { metadata: { name } });
    // Controllers keep these in every namespace; here they are made at once, so that the first pod need not wait.
    await ensure(client, serviceAccounts, { metadata: { name: "default", namespace: name } });
    await ensure(client, configMaps, rootCa(name, caCert));
  }
  await ensureServiceRange(client, cluster);
  await ensure(client, services, kubernetesService(cluster));
  await ensure(client, services, dnsService(cluster));
  const wantedEndpoints = kubernetesEndpoints(cluster);
  const wantedSlice = kubernetesSlice(cluster);
  await ensure(client, endpoints, wantedEndpoints);
  await ensure(client, endpointSlices, wantedSlice);
  const at = { namespace: "default" };
  const merge = { ...at, type: "merge" } as const;
  const { host, port } = cluster.apiServer;
  const [subset] = (await client.get(endpoints, "kubernetes", at)).subsets ?? [];
  if (subset?.addresses?.[0]?.ip !== host || subset.ports?.[0]?.port !== port)
    await client.patch(endpoints, "kubernetes", { subsets: wantedEndpoints.subsets }, merge);
  const slice = await client.get(endpointSlices, "kubernetes", at);
  if (slice.endpoints?.[0]?.addresses[0] !== host || slice.ports?.[0]?.port !== port) {
    const { endpoints: addresses, ports } = wantedSlice;
    await client.patch(endpointSlices, "kubernetes", { endpoints: addresses, ports }, merge);
  }
}
