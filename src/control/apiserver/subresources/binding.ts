// pods/binding: puts a pod on a node, once (kubernetes pkg/registry/core/pod/storage BindingREST).
import { conflict, type FieldError, invalid } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Binding, Pod } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import type { SubresourceHandler } from "../subresource.ts";
import { updateObject } from "../verbs/mod.ts";

const subject = { group: "", resource: "pods/binding" };

function bindingErrors(b: Binding): FieldError[] {
  const errors: FieldError[] = [];
  const { kind, name } = b.target ?? {};
  if (kind && kind !== "Node")
    errors.push({
      type: "FieldValueNotSupported",
      field: "target.kind",
      value: kind,
      detail: 'supported values: "Node", "<empty>"',
    });
  if (!name) errors.push({ type: "FieldValueRequired", field: "target.name", detail: "" });
  return errors;
}

function assign(pod: Pod, b: Binding, now: string): Pod {
  const name = pod.metadata.name!;
  if (pod.metadata.deletionTimestamp)
    throw conflict(subject, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec!.nodeName)
    throw conflict(subject, name, `pod ${name} is already assigned to node "${pod.spec!.nodeName}"`);
  if ((pod.spec!.schedulingGates?.length ?? 0) > 0)
    throw conflict(subject, name, `pod ${name} has non-empty .spec.schedulingGates`);
  pod.spec!.nodeName = b.target.name!;
  const { annotations, labels } = b.metadata;
  if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  if (labels) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
  const conditions = (pod.status?.conditions ?? []).filter((c) => c.type !== "PodScheduled");
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: now };
  pod.status = { ...pod.status, conditions: [...conditions, scheduled] };
  return pod;
}

export function bindingHandler(core: ApiCore): SubresourceHandler {
  return {
    body: { group: "", version: "v1", kind: "Binding", model: "core.v1.Binding" },
    async POST({ def, namespace, name, context }, body) {
      const b = body as Binding;
      const errors = bindingErrors(b);
      if (errors.length > 0) throw invalid({ group: "", kind: "Binding" }, name, errors);
      const now = timestamp(core.now());
      await updateObject(
        core,
        {
          def,
          namespace,
          name,
          subresource: "binding",
          rules: "none",
          change: (pod) => assign(pod as Pod, b, now),
        },
        context,
      );
      return {
        code: 201,
        object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
      };
    },
  };
}
