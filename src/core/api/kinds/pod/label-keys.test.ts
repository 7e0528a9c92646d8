import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { LabelSelector, Pod, PodSpec } from "../../types.ts";
import { pod } from "./mod.ts";

const selector = (): LabelSelector => ({ matchLabels: { app: "web" } });

function create(spec: object): Pod {
  const p: Pod = {
    metadata: { name: "web", namespace: "default", labels: { app: "web", hash: "1", tenant: "t" } },
    spec: { containers: [{ name: "c", image: "nginx" }], ...spec } as PodSpec,
  };
  pod.setDefaults!(p);
  pod.prepareForCreate!(p, ctx);
  return p;
}

const term = (more: object) => ({ topologyKey: "zone", labelSelector: selector(), ...more });
const required = (t: object) => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [t] } },
});
const preferred = (podAffinityTerm: object) => ({
  affinity: {
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm }] },
  },
});
const spread = (c: object) => ({
  topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", ...c }],
});
const hashIn1 = { key: "hash", operator: "In", values: ["1"] };

const rows: [name: string, spec: object, merged: object[] | undefined, messages?: string[]][] = [
  ["no keys", required(term({})), undefined],
  ["affinity", required(term({ matchLabelKeys: ["hash"] })), [hashIn1]],
  ["a label that the pod lacks", required(term({ matchLabelKeys: ["other"] })), undefined],
  [
    "keys that must not match, preferred anti-affinity",
    preferred(term({ matchLabelKeys: ["hash"], mismatchLabelKeys: ["tenant"] })),
    [hashIn1, { key: "tenant", operator: "NotIn", values: ["t"] }],
  ],
  ["spread", spread(term({ matchLabelKeys: ["hash"] })), [hashIn1]],
  [
    "affinity by a key that the selector has",
    required(term({ matchLabelKeys: ["app"] })),
    [{ key: "app", operator: "In", values: ["web"] }],
    [
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
    ],
  ],
  [
    "spread by a key that the selector has",
    spread(term({ matchLabelKeys: ["app"] })),
    [{ key: "app", operator: "In", values: ["web"] }],
    [
      'spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
    ],
  ],
];

for (const [name, spec, merged, messages = []] of rows)
  test(`label keys: ${name}`, () => {
    const p = create(spec);
    const a = p.spec!.affinity;
    const found =
      p.spec!.topologySpreadConstraints?.[0] ??
      a?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.[0] ??
      a?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.[0]?.podAffinityTerm;
    assert.deepEqual(found?.labelSelector?.matchExpressions, merged);
    assert.deepEqual(pod.validate!(p, ctx).map(fieldErrorMessage), messages);
  });

test("label keys: an update merges nothing", () => {
  const old = create(required(term({ matchLabelKeys: ["hash"] })));
  old.metadata.resourceVersion = "1";
  const now = structuredClone(old);
  pod.setDefaults!(now);
  pod.prepareForUpdate!(now, old, ctx);
  assert.deepEqual(now.spec, old.spec);
  assert.deepEqual(pod.validateUpdate!(now, old, ctx), []);
});
