// v1 Node (kubernetes pkg/registry/core/node).

import { quantityError } from "../quantity/mod.ts";
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { Node, Taint } from "../types.ts";
import { define, keep } from "./define.ts";
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  labelValue,
  notSupported,
  qualifiedName,
  required,
  validateCIDR,
} from "./meta/mod.ts";
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

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Kubernetes prints these two with Go's names of the fields. */
const goTaint = (t: Taint): unknown => ({
  Key: t.key,
  Value: t.value ?? "",
  Effect: t.effect,
  TimeAdded: t.timeAdded ?? null,
});
const goAddress = (a: { type: string; address: string }): unknown => ({ Type: a.type, Address: a.address });

function validateTaints(n: Node): FieldError[] {
  const seen = new Set<string>();
  return (n.spec?.taints ?? []).flatMap((t, i) => {
    // Kubernetes puts taints under metadata in these errors.
    const here = `metadata.taints[${i}]`;
    const errors = invalidEach(`${here}.key`, t.key ?? "", qualifiedName(t.key ?? ""));
    const bad = labelValue(t.value ?? "");
    if (bad.length > 0) errors.push(invalid(`${here}.value`, t.value, bad.join(";")));
    if (!t.effect) errors.push(required(`${here}.effect`));
    else if (!effects.includes(t.effect)) errors.push(notSupported(`${here}.effect`, t.effect, effects));
    const key = `${t.effect}/${t.key}`;
    if (seen.has(key))
      errors.push({ ...duplicate(here, goTaint(t)), detail: "taints must be unique by key and effect pair" });
    seen.add(key);
    return errors;
  });
}

function validateAmounts(n: Node): FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((which) =>
    Object.entries(n.status?.[which] ?? {}).flatMap(([name, text]) => {
      const path = `status.${which}.${name}`;
      const wrong = quantityError(String(text));
      if (wrong !== undefined) return [invalid(path, text, wrong)];
      return String(text).startsWith("-") ? [invalid(path, text, "must be greater than or equal to 0")] : [];
    }),
  );
}

function validate(n: Node): FieldError[] {
  const errors = [...validateTaints(n), ...validateAmounts(n)];
  const cidrs = n.spec?.podCIDRs ?? [];
  const path = "spec.podCIDRs";
  for (const [i, c] of cidrs.entries()) errors.push(...validateCIDR(`${path}[${i}]`, c));
  if (cidrs.length > 1) {
    if (new Set(cidrs.map((c) => c.includes(":"))).size < 2 || cidrs.length > 2)
      errors.push(invalid(path, cidrs, "may specify no more than one CIDR for each IP family"));
    for (const [i, c] of cidrs.entries())
      if (cidrs.indexOf(c) < i) errors.push(duplicate(`${path}[${i}]`, c));
  }
  return errors;
}

function validateUpdate(n: Node, old: Node): FieldError[] {
  const errors = validateAmounts(n);
  const addresses = (n.status?.addresses ?? []).map((a) => `${a.type}/${a.address}`);
  for (const [i, a] of addresses.entries())
    if (addresses.indexOf(a) < i)
      errors.push(duplicate(`status.addresses[${i}]`, goAddress(n.status!.addresses![i]!)));
  const was = old.spec?.podCIDRs ?? [];
  if (was.length > 0 && JSON.stringify(was) !== JSON.stringify(n.spec?.podCIDRs ?? []))
    errors.push(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  if (old.spec?.providerID && old.spec.providerID !== n.spec?.providerID)
    errors.push(
      forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'),
    );
  return [...errors, ...validateTaints(n)];
}

/** `podCIDR` and `podCIDRs[0]` are one value. */
function syncPodCIDRs(n: Node): void {
  const spec = n.spec;
  if (!spec) return;
  if (spec.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  if (spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
}

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
  setDefaults(n) {
    n.spec ??= {};
    syncPodCIDRs(n);
    if (n.status?.capacity && !n.status.allocatable) n.status.allocatable = { ...n.status.capacity };
  },
  prepareForUpdate(n, old) {
    keep(n, old, "status");
  },
  prepareForStatusUpdate(n, old) {
    keep(n, old, "spec");
  },
  validate,
  validateUpdate,
  validateStatusUpdate: validateUpdate,
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
