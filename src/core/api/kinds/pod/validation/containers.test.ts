import assert from "node:assert/strict";
import { test } from "node:test";
import { createPod, ctx } from "../../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../../status.ts";
import type { Container } from "../../../types.ts";
import { pod } from "../mod.ts";

const withContainer = (c: object): object => ({
  containers: [{ name: "c", image: "nginx", ...c }] as Container[],
});
const create = (spec: object): string[] => pod.validate!(createPod(spec), ctx).map(fieldErrorMessage);

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const rows: [name: string, spec: object, messages: string[]][] = [
  ["a valid pod", {}, []],
  ["no containers", { containers: [] }, ["spec.containers: Required value"]],
  ["no image", { containers: [{ name: "c" }] }, ["spec.containers[0].image: Required value"]],
  ["no name", { containers: [{ image: "nginx" }] }, ["spec.containers[0].name: Required value"]],
  [
    "container name in capitals",
    { containers: [{ name: "Web", image: "nginx" }] },
    [`spec.containers[0].name: Invalid value: "Web": ${label}`],
  ],
  [
    "the same container name twice",
    {
      containers: [
        { name: "c", image: "a" },
        { name: "c", image: "b" },
      ],
    },
    ['spec.containers[1].name: Duplicate value: "c"'],
  ],
  [
    "an init container named like a container",
    { initContainers: [{ name: "c", image: "a" }] },
    ['spec.initContainers[0].name: Duplicate value: "c"'],
  ],
  [
    "space around the image",
    withContainer({ image: " nginx" }),
    ['spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'],
  ],
  [
    "unknown restart policy",
    { restartPolicy: "Sometimes" },
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
  ],
  [
    "unknown DNS policy",
    { dnsPolicy: "Mine" },
    [
      'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
  ],
  [
    "unknown pull policy",
    withContainer({ imagePullPolicy: "Maybe" }),
    [
      'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
    ],
  ],
  [
    "port out of range",
    withContainer({ ports: [{ containerPort: 65536 }] }),
    [
      "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
    ],
  ],
  [
    "no port",
    withContainer({ ports: [{ name: "http" }] }),
    ["spec.containers[0].ports[0].containerPort: Required value"],
  ],
  [
    "two ports of one name",
    withContainer({
      ports: [
        { name: "http", containerPort: 80 },
        { name: "http", containerPort: 81 },
      ],
    }),
    ['spec.containers[0].ports[1].name: Duplicate value: "http"'],
  ],
  [
    "the same host port twice",
    {
      containers: [
        { name: "a", image: "i", ports: [{ containerPort: 80, hostPort: 8080 }] },
        { name: "b", image: "i", ports: [{ containerPort: 81, hostPort: 8080 }] },
      ],
    },
    ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"'],
  ],
  [
    "host network with another host port",
    { hostNetwork: true, ...withContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] }) },
    [
      "spec.containers[0].ports[0].hostPort: Invalid value: 8080: must match `containerPort` when `hostNetwork` is true",
    ],
  ],
  [
    "env without name",
    withContainer({ env: [{ value: "a" }] }),
    ["spec.containers[0].env[0].name: Required value"],
  ],
  [
    "env name with =",
    withContainer({ env: [{ name: "a=b" }] }),
    [
      "spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
    ],
  ],
  [
    "env with value and valueFrom",
    withContainer({
      env: [{ name: "a", value: "b", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    }),
    [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
  ],
  [
    "env from nothing",
    withContainer({ env: [{ name: "a", valueFrom: {} }] }),
    [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    ],
  ],
  [
    "env from an unknown field",
    withContainer({ env: [{ name: "a", valueFrom: { fieldRef: { fieldPath: "metadata.whoops" } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.whoops": error converting fieldPath: field label not supported: metadata.whoops',
    ],
  ],
  [
    "env from all labels",
    withContainer({ env: [{ name: "a", valueFrom: { fieldRef: { fieldPath: "metadata.labels" } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  ],
  [
    "env from one label",
    withContainer({ env: [{ name: "a", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }),
    [],
  ],
  [
    "env from an unknown resource",
    withContainer({ env: [{ name: "a", valueFrom: { resourceFieldRef: { resource: "limits.gpu" } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
    ],
  ],
  [
    "env from a key of no ConfigMap",
    withContainer({ env: [{ name: "a", valueFrom: { configMapKeyRef: { name: "cm" } } }] }),
    ["spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value"],
  ],
  [
    "envFrom nothing",
    withContainer({ envFrom: [{}] }),
    ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
  ],
  [
    "mount of an unknown volume",
    withContainer({ volumeMounts: [{ name: "v", mountPath: "/v" }] }),
    ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  [
    "two mounts at one path",
    {
      volumes: [{ name: "v" }],
      ...withContainer({
        volumeMounts: [
          { name: "v", mountPath: "/v" },
          { name: "v", mountPath: "/v" },
        ],
      }),
    },
    ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique'],
  ],
  [
    "subPath upward",
    {
      volumes: [{ name: "v" }],
      ...withContainer({ volumeMounts: [{ name: "v", mountPath: "/v", subPath: "../x" }] }),
    },
    [`spec.containers[0].volumeMounts.subPath: Invalid value: "../x": must not contain '..'`],
  ],
  [
    "part of an image",
    {
      volumes: [{ name: "v", image: { reference: "a:1", pullPolicy: "Always" } }],
      ...withContainer({
        volumeMounts: [
          { name: "v", mountPath: "/v", subPath: "x", readOnly: true },
          { name: "v", mountPath: "/w", subPathExpr: "y" },
        ],
      }),
    },
    [],
  ],
  [
    "part of an image, upward",
    {
      volumes: [{ name: "v", image: { reference: "a:1", pullPolicy: "Always" } }],
      ...withContainer({ volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a/../.." }] }),
    },
    [`spec.containers[0].volumeMounts.subPath: Invalid value: "a/../..": must not contain '..'`],
  ],
  [
    "a probe without handler",
    withContainer({ livenessProbe: {} }),
    ["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
  ],
  [
    "a probe with two handlers",
    withContainer({ readinessProbe: { exec: { command: ["a"] }, tcpSocket: { port: 80 } } }),
    ["spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
  ],
  [
    "a liveness probe that must succeed twice",
    withContainer({ livenessProbe: { httpGet: { port: 80 }, successThreshold: 2 } }),
    ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
  ],
  [
    "a probe of port 0",
    withContainer({ readinessProbe: { httpGet: { port: 0 } } }),
    [
      "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
  ],
  [
    "a readiness probe with a grace period",
    withContainer({ readinessProbe: { exec: { command: ["a"] }, terminationGracePeriodSeconds: 5 } }),
    [
      "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
    ],
  ],
  [
    "sleep longer than the grace period",
    withContainer({ lifecycle: { preStop: { sleep: { seconds: 60 } } } }),
    [
      "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than terminationGracePeriodSeconds (30)",
    ],
  ],
  [
    "an init container with a probe",
    { initContainers: [{ name: "i", image: "i", livenessProbe: { exec: { command: ["a"] } } }] },
    [
      "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ],
  ],
  [
    "a sidecar with a probe",
    {
      initContainers: [
        { name: "i", image: "i", restartPolicy: "Always", livenessProbe: { exec: { command: ["a"] } } },
      ],
    },
    [],
  ],
  [
    "a container with a restart policy and rules of its own",
    withContainer({
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
    }),
    [],
  ],
  [
    "restart rules that are none",
    withContainer({
      restartPolicyRules: [{ action: "Retry", exitCodes: { operator: "Is", values: [256] } }],
    }),
    [
      "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
      'spec.containers[0].restartPolicyRules[0].action: Unsupported value: "Retry": supported values: "Restart"',
      'spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"',
      "spec.containers[0].restartPolicyRules[0].exitCodes.values[0]: Invalid value: 256: must be between 0 and 255, inclusive",
    ],
  ],
  [
    "a container with an unknown restart policy",
    withContainer({ restartPolicy: "Maybe" }),
    [
      'spec.containers[0].restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
    ],
  ],
  [
    "request above limit",
    withContainer({ resources: { requests: { cpu: "2" }, limits: { cpu: "1000m" } } }),
    [
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
  ],
  [
    "negative memory",
    withContainer({ resources: { limits: { memory: "-1Gi" } } }),
    [
      'spec.containers[0].resources.limits[memory]: Invalid value: "-1Gi": must be greater than or equal to 0',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1Gi": must be greater than or equal to 0',
    ],
  ],
  [
    "unknown resource",
    withContainer({ resources: { requests: { gpu: "1" } } }),
    [
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ],
  ],
  [
    "half a device",
    withContainer({ resources: { limits: { "example.com/gpu": "500m" } } }),
    [
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
      'spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer',
    ],
  ],
  [
    "a device without limit",
    withContainer({ resources: { requests: { "example.com/gpu": "1" } } }),
    [
      "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
    ],
  ],
  [
    "privileged without escalation",
    withContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    [
      'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  ],
];
for (const [name, spec, expected] of rows)
  test(`create: ${name}`, () => assert.deepEqual(create(spec), expected));
