// A pod's sandbox as CRI takes it: names, DNS, namespaces, cgroup (kubelet kuberuntime_sandbox).
import type { Pod } from "../../../core/api/types.ts";
import { podHostname, type ResolvConf } from "../content/mod.ts";
import { cgroupParent } from "./resources.ts";
import type { SandboxConfig } from "./runtime.ts";
import { namespaceOptions, securityProfile, supplementalGroups } from "./security.ts";

/** Labels by which pods and containers are recognised after a restart of the node process. */
export const podLabels = {
  name: "io.kubernetes.pod.name",
  namespace: "io.kubernetes.pod.namespace",
  uid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name",
} as const;

export interface SandboxFacts {
  podLogDir: string;
  cgroupRoot: string;
  domain: string;
  dns: ResolvConf;
}

export const logDirectory = (podLogDir: string, pod: Pod): string =>
  `${podLogDir}/${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`;

export function sandboxConfig(pod: Pod, attempt: number, facts: SandboxFacts): SandboxConfig {
  const { name = "", namespace = "", uid = "", labels = {}, annotations = {} } = pod.metadata;
  const context = pod.spec?.securityContext ?? {};
  const privileged = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].some(
    (c) => c.securityContext?.privileged,
  );
  const sysctls = Object.fromEntries((context.sysctls ?? []).map((s) => [s.name, s.value]));
  const hostPorts = (pod.spec?.containers ?? []).flatMap((c) =>
    (c.ports ?? []).map((p) => ({
      protocol: p.protocol ?? "TCP",
      containerPort: p.containerPort,
      hostPort: p.hostPort ?? 0,
      hostIp: p.hostIP ?? "",
    })),
  );
  return {
    metadata: { name, namespace, uid, attempt },
    // In the machine's own network namespace the host name is the machine's.
    hostname: pod.spec?.hostNetwork ? "" : podHostname(pod, facts.domain).hostname,
    logDirectory: logDirectory(facts.podLogDir, pod),
    dnsConfig: facts.dns,
    portMappings: pod.spec?.hostNetwork ? [] : hostPorts,
    labels: { ...labels, [podLabels.name]: name, [podLabels.namespace]: namespace, [podLabels.uid]: uid },
    annotations,
    linux: {
      cgroupParent: cgroupParent(facts.cgroupRoot, pod),
      sysctls,
      securityContext: {
        namespaceOptions: namespaceOptions(pod),
        ...(context.runAsUser !== undefined ? { runAsUser: { value: context.runAsUser } } : {}),
        ...(context.runAsGroup !== undefined && context.runAsUser !== undefined
          ? { runAsGroup: { value: context.runAsGroup } }
          : {}),
        supplementalGroups: supplementalGroups(pod),
        privileged,
        // Compiling a filter takes the runtime 50 ms and more; what runs in the sandbox itself is one small program of
        // ours that only waits, so it gets a filter where the pod asks for one.
        seccomp: securityProfile(context.seccompProfile, privileged),
      },
    },
  };
}
