// v1 Node (kubernetes pkg/registry/core/node).
import type { ResourceDefinition } from "../resource.ts";
import type { Node } from "../types.ts";
import { define, keep } from "./define.ts";
import { proxyOf, statusOf } from "./subresources.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

function statusCell(n: Node): string {
  const ready = n.status?.conditions?.find((c) => c.type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (n.spec?.unschedulable) words.push("SchedulingDisabled");
  return words.join(",");
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function rolesCell(n: Node): string {
  const roles = new Set<string>();
  for (const [k, v] of Object.entries(n.metadata.labels ?? {})) {
    if (k.startsWith(ROLE_PREFIX) && k !== ROLE_PREFIX) roles.add(k.slice(ROLE_PREFIX.length));
    else if (k === "kubernetes.io/role" && v !== "") roles.add(v);
  }
  return [...roles].sort().join(",") || "<none>";
}

const addressOf = (n: Node, type: string): string =>
  n.status?.addresses?.find((a) => a.type === type)?.address ?? "<none>";

export const node: ResourceDefinition<Node> = define<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  namespaced: false,
  model: "V1Node",
  subresources: [proxyOf("NodeProxyOptions"), statusOf("Node")],
  prepareForUpdate(n, old) {
    keep(n, old, "status");
  },
  prepareForStatusUpdate(n, old) {
    keep(n, old, "spec");
  },
  columns: [
    nameColumn,
    column("Status", "The status of the node", statusCell),
    column("Roles", "The roles of the node", rolesCell),
    ageColumn,
    column("Version", "Version of the kubelet on the node.", (n) => n.status?.nodeInfo?.kubeletVersion ?? ""),
    column("Internal-IP", "The node's address inside the cluster.", (n) => addressOf(n, "InternalIP"), {
      wide: true,
    }),
    column("External-IP", "The node's address outside the cluster.", (n) => addressOf(n, "ExternalIP"), {
      wide: true,
    }),
    column("OS-Image", "The node's operating system.", (n) => n.status?.nodeInfo?.osImage || "<unknown>", {
      wide: true,
    }),
    column("Kernel-Version", "The node's kernel.", (n) => n.status?.nodeInfo?.kernelVersion || "<unknown>", {
      wide: true,
    }),
    column(
      "Container-Runtime",
      "What runs the node's containers.",
      (n) => n.status?.nodeInfo?.containerRuntimeVersion || "<unknown>",
      { wide: true },
    ),
  ],
  fields: { "spec.unschedulable": (n) => String(n.spec?.unschedulable === true) },
});
