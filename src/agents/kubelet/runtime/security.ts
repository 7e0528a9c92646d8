// securityContext of pod and container as CRI takes it (kubelet kuberuntime/security_context; core/v1 SecurityContext).
import type { Container, Pod } from "../../../core/api/types.ts";
import { ContainerConfigError } from "../content/mod.ts";
import { podText } from "../pod-text.ts";
import type { ContainerSecurity, NamespaceOptions, RuntimeImage, SecurityProfile } from "./runtime.ts";

const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export function namespaceOptions(pod: Pod): NamespaceOptions {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec!;
  return {
    network: hostNetwork ? "NODE" : "POD",
    pid: hostPID ? "NODE" : shareProcessNamespace ? "POD" : "CONTAINER",
    ipc: hostIPC ? "NODE" : "POD",
  };
}

type Profile = { type: string; localhostProfile?: string } | undefined;

export function securityProfile(profile: Profile, privileged: boolean): SecurityProfile {
  // Without a wish the kubelet asks for Unconfined (seccompDefault is off).
  if (!profile || privileged) return { profileType: "Unconfined" };
  if (profile.type === "Localhost")
    return { profileType: "Localhost", localhostRef: profile.localhostProfile ?? "" };
  return { profileType: profile.type === "RuntimeDefault" ? "RuntimeDefault" : "Unconfined" };
}

/** Groups every process of the pod has besides its own: fsGroup first, then supplementalGroups. */
export function supplementalGroups(pod: Pod): number[] {
  const context = pod.spec?.securityContext;
  const fsGroup = context?.fsGroup;
  return [...(fsGroup === undefined ? [] : [fsGroup]), ...(context?.supplementalGroups ?? [])];
}

/**
 * The container's security. `targetId`: the container whose process namespace an ephemeral container joins.
 * Throws ContainerConfigError where runAsNonRoot forbids the user that would run.
 */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: RuntimeImage | undefined,
  targetId?: string,
): ContainerSecurity {
  const ofPod = pod.spec?.securityContext ?? {};
  const own = container.securityContext ?? {};
  const user = own.runAsUser ?? ofPod.runAsUser;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  const privileged = own.privileged ?? false;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) refuseRoot(pod, container, user, image);
  const namespaces = namespaceOptions(pod);
  if (targetId) Object.assign(namespaces, { pid: "TARGET", targetId });
  const unmasked = own.procMount === "Unmasked";
  const apparmor = own.appArmorProfile ?? ofPod.appArmorProfile;
  return {
    capabilities: {
      addCapabilities: own.capabilities?.add ?? [],
      dropCapabilities: own.capabilities?.drop ?? [],
    },
    privileged,
    namespaceOptions: namespaces,
    ...(user !== undefined
      ? { runAsUser: { value: user } }
      : image?.uid !== undefined
        ? { runAsUser: { value: image.uid } }
        : image?.username
          ? { runAsUsername: image.username }
          : {}),
    ...(group !== undefined ? { runAsGroup: { value: group } } : {}),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    supplementalGroups: supplementalGroups(pod),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    seccomp: securityProfile(own.seccompProfile ?? ofPod.seccompProfile, privileged),
    ...(apparmor ? { apparmor: securityProfile(apparmor, false) } : {}),
  };
}

function refuseRoot(
  pod: Pod,
  container: Container,
  user: number | undefined,
  image: RuntimeImage | undefined,
): void {
  const where = `(pod: ${JSON.stringify(podText(pod))}, container: ${container.name})`;
  if (user !== undefined) {
    if (user === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image?.uid !== undefined && image.uid !== 0) return;
  if (image?.username)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
