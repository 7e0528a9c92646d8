// What a namespace that is being deleted says about itself (pkg/controller/namespace/deletion).
import type { ResourceRef } from "../../../core/api/refs.ts";
import type { KubeObject, Namespace } from "../../../core/api/types.ts";

export interface Remaining {
  ref: ResourceRef;
  objects: readonly KubeObject[];
}

type NamespaceCondition = NonNullable<NonNullable<Namespace["status"]>["conditions"]>[number];

interface Verdict {
  type: string;
  status: "True" | "False";
  reason: string;
  message: string;
}

function verdicts(remaining: readonly Remaining[], failure: string | undefined): Verdict[] {
  const left = remaining.filter((r) => r.objects.length > 0);
  const finalizers = new Map<string, number>();
  for (const { objects } of left)
    for (const o of objects)
      for (const f of o.metadata.finalizers ?? []) finalizers.set(f, (finalizers.get(f) ?? 0) + 1);
  const content = left
    .map(({ ref, objects }) => `${ref.resource}.${ref.group} has ${objects.length} resource instances`)
    .sort();
  const held = [...finalizers].map(([f, n]) => `${f} in ${n} resource instances`).sort();
  const say = (type: string, bad: [string, string] | undefined, good: [string, string]): Verdict => {
    const [reason, message] = bad ?? good;
    return { type, status: bad ? "True" : "False", reason, message };
  };
  return [
    say("NamespaceDeletionDiscoveryFailure", undefined, [
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ]),
    say("NamespaceDeletionGroupVersionParsingFailure", undefined, [
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ]),
    say(
      "NamespaceDeletionContentFailure",
      failure === undefined ? undefined : ["ContentDeletionFailed", failure],
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ),
    say(
      "NamespaceContentRemaining",
      content.length > 0
        ? ["SomeResourcesRemain", `Some resources are remaining: ${content.join(", ")}`]
        : undefined,
      ["ContentRemoved", "All content successfully removed"],
    ),
    say(
      "NamespaceFinalizersRemaining",
      held.length > 0
        ? [
            "SomeFinalizersRemain",
            `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
          ]
        : undefined,
      ["ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    ),
  ];
}

/** The conditions to write; undefined when they stand already. Transition times move with the status only. */
export function deletionConditions(
  old: readonly NamespaceCondition[],
  {
    remaining,
    failure,
    time,
  }: { remaining: readonly Remaining[]; failure: string | undefined; time: string },
): NamespaceCondition[] | undefined {
  let changed = false;
  const out = [...old];
  for (const v of verdicts(remaining, failure)) {
    const i = out.findIndex((c) => c.type === v.type);
    const before = out[i];
    if (before?.status === v.status && before.reason === v.reason && before.message === v.message) continue;
    changed = true;
    const lastTransitionTime = before?.status === v.status ? (before.lastTransitionTime ?? time) : time;
    if (i >= 0) out[i] = { ...v, lastTransitionTime };
    else out.push({ ...v, lastTransitionTime });
  }
  return changed ? out : undefined;
}
