// v1 Pod (kubernetes pkg/registry/core/pod).
import type { ResourceDefinition, SubresourceDefinition } from "../../resource.ts";
import type { Pod } from "../../types.ts";
import { define } from "../define.ts";
import { proxyOf, statusOf } from "../subresources.ts";
import { podColumns, podRowConditions } from "./columns.ts";
import { setPodDefaults } from "./defaults.ts";
import { preparePodForCreate, preparePodForStatusUpdate, preparePodForUpdate } from "./strategy.ts";
import { validatePodCreate, validatePodStatusUpdate, validatePodUpdate } from "./validation/mod.ts";
import { warningsOfPod } from "./warnings.ts";

const stream = (name: string, kind: string): SubresourceDefinition => ({
  name,
  verbs: ["create", "get"],
  kind,
});
const part = (name: string): SubresourceDefinition => ({
  name,
  verbs: ["get", "patch", "update"],
  kind: "Pod",
});

export const pod: ResourceDefinition<Pod> = define<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  model: "V1Pod",
  subresources: [
    stream("attach", "PodAttachOptions"),
    { name: "binding", verbs: ["create"], kind: "Binding" },
    part("ephemeralcontainers"),
    { name: "eviction", verbs: ["create"], kind: "Eviction", group: "policy", version: "v1" },
    stream("exec", "PodExecOptions"),
    { name: "log", verbs: ["get"], kind: "Pod" },
    stream("portforward", "PodPortForwardOptions"),
    proxyOf("PodProxyOptions"),
    part("resize"),
    statusOf("Pod"),
  ],
  setDefaults: setPodDefaults,
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: preparePodForUpdate,
  prepareForStatusUpdate: preparePodForStatusUpdate,
  validate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  warnings: warningsOfPod,
  columns: podColumns,
  rowConditions: podRowConditions,
  fields: {
    "spec.nodeName": (p) => p.spec?.nodeName ?? "",
    "spec.restartPolicy": (p) => p.spec?.restartPolicy ?? "",
    "spec.schedulerName": (p) => p.spec?.schedulerName ?? "",
    "spec.serviceAccountName": (p) => p.spec?.serviceAccountName ?? "",
    "spec.hostNetwork": (p) => String(p.spec?.hostNetwork === true),
    "status.phase": (p) => p.status?.phase ?? "",
    "status.podIP": (p) => p.status?.podIPs?.[0]?.ip ?? p.status?.podIP ?? "",
    "status.nominatedNodeName": (p) => p.status?.nominatedNodeName ?? "",
  },
  gracefulDeletion: {
    defaultSeconds: (p) => p.spec?.terminationGracePeriodSeconds ?? 30,
    begin() {},
    /** A pod that no node has, or that has ended, goes at once. */
    skip: (p) => !p.spec?.nodeName || p.status?.phase === "Succeeded" || p.status?.phase === "Failed",
  },
});
