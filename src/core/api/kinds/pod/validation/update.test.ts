import assert from "node:assert/strict";
import { test } from "node:test";
import { createPod, ctx } from "../../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../../status.ts";
import type { PodSpec } from "../../../types.ts";
import { pod, validateEphemeralContainersUpdate } from "../mod.ts";

function update(change: (s: PodSpec) => void, from: object = {}): string[] {
  const old = createPod(from);
  const now = structuredClone(old);
  change(now.spec!);
  pod.setDefaults!(now);
  pod.prepareForUpdate!(now, old, ctx);
  return pod.validateUpdate!(now, old, ctx).map(fieldErrorMessage);
}

const updates: [name: string, change: (s: PodSpec) => void, messages: RegExp[], from?: object][] = [
  ["nothing", () => {}, []],
  [
    "image",
    (s) => {
      s.containers[0]!.image = "nginx:2";
    },
    [],
  ],
  [
    "another toleration",
    (s) => {
      s.tolerations = [{ key: "a", operator: "Exists" }];
    },
    [],
  ],
  [
    "node name",
    (s) => {
      s.nodeName = "node-2";
    },
    [
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,`spec\.activeDeadlineSeconds`,`spec\.tolerations` \(only additions to existing tolerations\),`spec\.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)\n/,
    ],
  ],
  [
    "another container",
    (s) => {
      s.containers.push({ name: "d", image: "i" });
    },
    [/^spec\.containers: Forbidden: pod updates may not add or remove containers$/],
  ],
  [
    "a toleration taken away",
    (s) => {
      delete s.tolerations;
    },
    [/^spec\.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds$/],
    { tolerations: [{ key: "a", operator: "Exists" }] },
  ],
  [
    "a later deadline",
    (s) => {
      s.activeDeadlineSeconds = 20;
    },
    [/^spec\.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value$/],
    { activeDeadlineSeconds: 10 },
  ],
];
for (const [name, change, expected, from] of updates)
  test(`update: ${name}`, () => {
    const messages = update(change, from);
    assert.equal(messages.length, expected.length, messages.join("\n"));
    for (const [i, re] of expected.entries()) assert.match(messages[i]!, re);
  });

test("an ephemeral container may be added, not changed; it has no ports", () => {
  const old = createPod({});
  const now = structuredClone(old);
  now.spec!.ephemeralContainers = [
    { name: "e", image: "i", ports: [{ containerPort: 80 }], targetContainerName: "x" },
  ];
  pod.setDefaults!(now);
  assert.deepEqual(validateEphemeralContainersUpdate(now, old).map(fieldErrorMessage), [
    'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
    "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
  ]);
  delete now.spec!.ephemeralContainers[0]!.ports;
  delete now.spec!.ephemeralContainers[0]!.targetContainerName;
  assert.deepEqual(validateEphemeralContainersUpdate(now, old), []);
  const changed = structuredClone(now);
  changed.spec!.ephemeralContainers![0]!.image = "j";
  assert.match(
    fieldErrorMessage(validateEphemeralContainersUpdate(changed, now)[0]!),
    /^spec\.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed\n/,
  );
});

test("status: a container that has ended stays ended under restartPolicy Never", () => {
  const old = createPod({ restartPolicy: "Never" });
  const state = { name: "c", image: "nginx", imageID: "", ready: false, restartCount: 0 };
  old.status!.containerStatuses = [{ ...state, state: { terminated: { exitCode: 1 } } }];
  const now = structuredClone(old);
  now.status!.containerStatuses = [{ ...state, state: { running: {} } }];
  assert.deepEqual(pod.validateStatusUpdate!(now, old).map(fieldErrorMessage), [
    "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state",
  ]);
});
