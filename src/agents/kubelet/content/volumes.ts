// Sets up a pod's volumes and turns a container's volumeMounts into CRI mounts (core/v1 Volume, VolumeMount).
import { quantityValue } from "../../../core/api/quantity/mod.ts";
import type { Container, PersistentVolume, Pod, Volume } from "../../../core/api/types.ts";
import type { Mount } from "../runtime/mod.ts";
import { expandReferences } from "./expand.ts";
import { imageMountSource } from "./image-volumes.ts";
import type { HostPathType, Ownership, PodFiles } from "./pod-files.ts";
import { type ContentInput, hasContent, VolumeError, volumeContent } from "./volume-content.ts";

export const podDirectory = (rootDir: string, uid: string): string => `${rootDir}/pods/${uid}`;

/** Where a volume is on this machine; one of an image has a place for each image that it had. */
export function volumePath(podDir: string, volume: Volume): string {
  if (volume.hostPath) return volume.hostPath.path;
  // A claim's volume is reached by a link, so that its place is known without asking the API again.
  if (volume.persistentVolumeClaim) return `${podDir}/volumes/kubernetes.io~claim/${volume.name}`;
  const kind = volume.emptyDir
    ? "empty-dir"
    : volume.configMap
      ? "configmap"
      : volume.secret
        ? "secret"
        : volume.downwardAPI
          ? "downward-api"
          : "projected";
  return `${podDir}/volumes/kubernetes.io~${kind}/${volume.name}`;
}

function ownership(pod: Pod, writable: boolean): Ownership | undefined {
  const gid = pod.spec?.securityContext?.fsGroup;
  return gid === undefined ? undefined : { gid, writable };
}

/** Makes one volume usable, or brings its content up to date. Rejects with the cause alone. */
export async function setUpVolume(
  pod: Pod,
  volume: Volume,
  options: {
    podDir: string;
    files: PodFiles;
    content: ContentInput;
    claimed: ReadonlyMap<string, PersistentVolume>;
  },
): Promise<void> {
  const { podDir, files, content, claimed } = options;
  // An image is pulled and mounted when a container that wants it starts: another one need not wait for it.
  if (volume.image) return;
  const path = volumePath(podDir, volume);
  if (hasContent(volume)) {
    await files.writeVolume(path, volumeContent(volume, content), ownership(pod, false));
  } else if (volume.emptyDir) {
    const { medium, sizeLimit } = volume.emptyDir;
    if (medium === "Memory")
      await files.mountMemory(path, sizeLimit ? quantityValue(sizeLimit) : 0, ownership(pod, true));
    else await files.makeDirectory(path, 0o777, ownership(pod, true));
  } else if (volume.persistentVolumeClaim) {
    const { hostPath, local } = claimed.get(volume.name)!.spec!;
    const source = hostPath ?? (local && { path: local.path, type: "Directory" });
    if (!source) throw new VolumeError("only hostPath and local volumes are supported on this node");
    await files.checkHostPath(source.path, (source.type ?? "") as HostPathType);
    await files.link(path, source.path);
  } else if (volume.hostPath) {
    await files.checkHostPath(path, (volume.hostPath.type ?? "") as HostPathType);
  } else {
    const kind = Object.keys(volume).find((k) => k !== "name") ?? "none";
    throw new VolumeError(`volume type ${kind} is not supported on this node`);
  }
}

const propagation = {
  None: "PROPAGATION_PRIVATE",
  HostToContainer: "PROPAGATION_HOST_TO_CONTAINER",
  Bidirectional: "PROPAGATION_BIDIRECTIONAL",
} as const;

/**
 * CRI mounts of a container, in the spec's order. Volumes must be set up. `variables` serve subPathExpr; `showImage` resolves
 * with where an image volume's files are.
 */
export async function containerMounts(
  pod: Pod,
  container: Container,
  options: {
    podDir: string;
    files: PodFiles;
    variables: ReadonlyMap<string, Buffer>;
    showImage(volume: string): Promise<string>;
  },
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const m of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find((v) => v.name === m.name);
    if (!volume) throw new VolumeError(`volume ${m.name} of container ${container.name} does not exist`);
    const sub = m.subPathExpr ? expandSubPath(m.subPathExpr, options.variables) : (m.subPath ?? "");
    if (sub !== "") {
      if (sub.startsWith("/")) throw new VolumeError(`subPath "${sub}" must not be an absolute path`);
      if (sub.split("/").includes("..")) throw new VolumeError(`subPath "${sub}" must not contain '..'`);
    }
    let hostPath: string;
    if (volume.image)
      hostPath = await imageMountSource(options.files, await options.showImage(volume.name), sub);
    else {
      hostPath = volumePath(options.podDir, volume);
      if (sub !== "") hostPath = await options.files.resolveSubPath(hostPath, sub);
    }
    const wish = propagation[(m.mountPropagation ?? "None") as keyof typeof propagation];
    // A machine whose mounts are private has nothing to hand on: the container then has what is mounted when it starts.
    const idle = wish === propagation.HostToContainer && !(await options.files.sharesMounts(hostPath));
    mounts.push({
      containerPath: m.mountPath.startsWith("/") ? m.mountPath : `/${m.mountPath}`,
      hostPath,
      readonly:
        volume.image !== undefined ||
        (m.readOnly ?? false) ||
        (volume.persistentVolumeClaim?.readOnly ?? false),
      ...(volume.image ? { noexec: true } : {}),
      propagation: idle ? propagation.None : wish,
    });
  }
  return mounts;
}

function expandSubPath(expression: string, variables: ReadonlyMap<string, Buffer>): string {
  const missing: string[] = [];
  const text = expandReferences(expression, (name) => {
    const value = variables.get(name);
    if (!value) missing.push(name);
    return value?.toString("utf8") ?? "";
  });
  if (missing.length > 0)
    throw new VolumeError(`missing value for ${missing.map((n) => `"${n}"`).join(", ")}`);
  return text;
}
