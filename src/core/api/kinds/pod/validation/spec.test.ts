import assert from "node:assert/strict";
import { test } from "node:test";
import { createPod, ctx } from "../../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../../status.ts";
import { pod } from "../mod.ts";

const create = (spec: object): string[] => pod.validate!(createPod(spec), ctx).map(fieldErrorMessage);

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const rows: [name: string, spec: object, messages: string[]][] = [
  [
    "the same volume twice",
    { volumes: [{ name: "v" }, { name: "v" }] },
    ['spec.volumes[1].name: Duplicate value: "v"'],
  ],
  [
    "a host name that replaces what is somebody else's",
    { hostnameOverride: `a${"b".repeat(64)}`, setHostnameAsFQDN: true, hostNetwork: true },
    [
      "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
      "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
      "spec.hostnameOverride: Too long: may not be more than 64 bytes",
    ],
  ],
  [
    "a volume of two types",
    { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/a" } }] },
    ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
  ],
  [
    "a ConfigMap volume without name",
    { volumes: [{ name: "v", configMap: {} }] },
    ["spec.volumes[0].configMap.name: Required value"],
  ],
  [
    "a secret item with a bad path and mode",
    {
      volumes: [{ name: "v", secret: { secretName: "s", items: [{ key: "k", path: "/abs", mode: 4096 }] } }],
    },
    [
      'spec.volumes[0].secret.items[0].path: Invalid value: "/abs": must be a relative path',
      "spec.volumes[0].secret.items[0].mode: Invalid value: 4096: must be a number between 0 and 0777 (octal), both inclusive",
    ],
  ],
  ["image", { volumes: [{ name: "v", image: { reference: "a:1", pullPolicy: "Never" } }] }, []],
  [
    "image without a name",
    { volumes: [{ name: "v", image: { reference: "", pullPolicy: "Always" } }] },
    ["spec.volumes[0].image.reference: Required value"],
  ],
  [
    "image with an unknown pull policy",
    { volumes: [{ name: "v", image: { reference: "a", pullPolicy: "Maybe" } }] },
    [
      'spec.volumes[0].image.pullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
    ],
  ],
  [
    "hostPath of an unknown type",
    { volumes: [{ name: "v", hostPath: { path: "/a", type: "Dir" } }] },
    [
      'spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    "projected files that collide",
    {
      volumes: [
        {
          name: "v",
          projected: {
            sources: [
              { configMap: { name: "a", items: [{ key: "k", path: "p" }] } },
              { secret: { name: "b", items: [{ key: "k", path: "p" }] } },
            ],
          },
        },
      ],
    },
    ['spec.volumes[0].projected: Invalid value: "b": conflicting duplicate paths'],
  ],
  [
    "a token for five minutes, without a service account",
    {
      volumes: [
        {
          name: "v",
          projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 300 } }] },
        },
      ],
    },
    [
      "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 300: may not specify a duration less than 10 minutes",
      "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set",
    ],
  ],
  [
    "user out of range",
    { securityContext: { runAsUser: -1 } },
    ["spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
  ],
  [
    "sysctl of the network on the host's network",
    { hostNetwork: true, securityContext: { sysctls: [{ name: "net.ipv4.ip_forward", value: "1" }] } },
    [
      "spec.securityContext.sysctls[0].name: Invalid value: \"net.ipv4.ip_forward\": may not be specified when 'hostNetwork' is true",
    ],
  ],
  [
    "hostPID and a shared process namespace",
    { hostPID: true, shareProcessNamespace: true },
    [
      "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
    ],
  ],
  [
    "toleration without key",
    { tolerations: [{ operator: "Equal", value: "a" }] },
    [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    "toleration for a while of NoSchedule",
    { tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 5 }] },
    [
      "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ],
  ],
  [
    "node affinity without terms",
    {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
      },
    },
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
    ],
  ],
  [
    "pod affinity without topology key",
    {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { a: "b" } }, topologyKey: "a b" },
          ],
        },
      },
    },
    [
      "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    "DNS policy None without config",
    { dnsPolicy: "None" },
    ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
  ],
  [
    "four name servers",
    { dnsConfig: { nameservers: ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"] } },
    [
      'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
    ],
  ],
  [
    "host alias that is no address",
    { hostAliases: [{ ip: "localhost", hostnames: ["a.b"] }] },
    [
      'spec.hostAliases[0].ip: Invalid value: "localhost": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  ["hostname in capitals", { hostname: "Web" }, [`spec.hostname: Invalid value: "Web": ${label}`]],
  [
    "no time at all",
    { activeDeadlineSeconds: 0 },
    ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
  ],
  [
    "ephemeral containers on create",
    { ephemeralContainers: [{ name: "e", image: "i" }] },
    ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
  ],
];
for (const [name, spec, expected] of rows)
  test(`create: ${name}`, () => assert.deepEqual(create(spec), expected));
