// Warnings about pods and templates (kubernetes pkg/api/pod/warnings.go): allowed, but hardly what was meant.
import { printQuantity, scaledValue } from "../../quantity/mod.ts";
import type { Container, ObjectMeta, Pod, PodSpec } from "../../types.ts";
import { dns1123Label } from "../meta/mod.ts";
import { portWarnings } from "./port-warnings.ts";
import { readQuantity } from "./resource-list.ts";
import { podAffinityWarnings, schedulingWarnings } from "./scheduling-warnings.ts";

const volumeTypes: [key: string, message: string][] = [
  ["photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

const annotationsOfOld: [key: string, message: string][] = [
  [
    "scheduler.alpha.kubernetes.io/critical-pod",
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  ],
  ["security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
  [
    "security.alpha.kubernetes.io/unsafe-sysctls",
    'non-functional in v1.11+; use the "sysctls" field instead',
  ],
];

/** Those whose key an earlier one has. */
function repeated<T>(list: readonly T[] | undefined, key: (t: T) => string | undefined): [number, T][] {
  const all = list ?? [];
  return [...all.entries()].filter(([i, t]) => all.findIndex((o) => key(o) === key(t)) < i);
}

function duplicates(spec: PodSpec, path: string): string[] {
  return [
    ...repeated(spec.hostAliases, (a) => a.ip).map(
      ([i, a]) => `${path}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(a.ip)}`,
    ),
    ...repeated(spec.imagePullSecrets, (s) => s.name).map(
      ([i, s]) => `${path}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(s.name ?? "")}`,
    ),
    ...(spec.imagePullSecrets ?? []).flatMap((s, i) =>
      s.name ? [] : [`${path}.imagePullSecrets[${i}].name: invalid empty name ""`],
    ),
  ];
}

function fractionalBytes(list: Record<string, string> | undefined, path: string): string[] {
  return ["memory", "ephemeral-storage"].flatMap((name) => {
    const q = list && Object.hasOwn(list, name) ? readQuantity(list[name]) : undefined;
    if (!q || scaledValue(q, -3) % 1000n === 0n) return [];
    const text = JSON.stringify(printQuantity(q));
    return [`${path}[${name}]: fractional byte value ${text} is invalid, must be an integer`];
  });
}

/** A variable that hides an earlier one of its name, unless it is made from it. */
function hiddenEnv(c: Container, path: string): string[] {
  const seen = new Set<string>();
  return (c.env ?? []).flatMap((e, i) => {
    const again = seen.has(e.name);
    seen.add(e.name);
    const ref = `$(${e.name})`;
    const value = e.value ?? "";
    if (!again || (e.valueFrom == null && value !== ref && value.includes(ref))) return [];
    const name = JSON.stringify(e.name);
    return [`${path}.env[${i}]: hides previous definition of ${name}, which may be dropped when using apply`];
  });
}

function containersWithPaths(spec: PodSpec, path: string): [Container, string][] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((c, i): [Container, string] => [c as Container, `${path}.${list}[${i}]`]),
  );
}

/** `base` is "" for a pod, "spec.template" for a template. */
export function podWarnings(spec: PodSpec, meta: ObjectMeta, base = ""): string[] {
  const path = base === "" ? "spec" : `${base}.spec`;
  const annotations = base === "" ? "metadata.annotations" : `${base}.metadata.annotations`;
  const warnings = schedulingWarnings(spec, path);
  for (const [key, message] of annotationsOfOld)
    if (meta.annotations?.[key] !== undefined) warnings.push(`${annotations}[${key}]: ${message}`);
  for (const [i, v] of (spec.volumes ?? []).entries())
    for (const [key, message] of volumeTypes)
      if ((v as unknown as Record<string, unknown>)[key] != null)
        warnings.push(`${path}.volumes[${i}].${key}: ${message}`);
  warnings.push(...duplicates(spec, path), ...fractionalBytes(spec.overhead, `${path}.overhead`));
  const all = containersWithPaths(spec, path);
  for (const [c, here] of all)
    warnings.push(
      ...fractionalBytes(c.resources?.limits, `${here}.resources.limits`),
      ...fractionalBytes(c.resources?.requests, `${here}.resources.requests`),
      ...hiddenEnv(c, here),
    );
  warnings.push(...portWarnings(all));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  return [...warnings, ...podAffinityWarnings(spec, path)];
}

/** Warnings about a new pod, and about its name, which becomes its host name. Changed pods are not looked at again. */
export function warningsOfPod(pod: Pod, old: Pod | undefined): string[] {
  if (old) return [];
  const bad = dns1123Label(pod.metadata.name ?? "");
  const name =
    bad.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${bad.join(" ")}]`,
        ]
      : [];
  return [...name, ...(pod.spec ? podWarnings(pod.spec, pod.metadata) : [])];
}
