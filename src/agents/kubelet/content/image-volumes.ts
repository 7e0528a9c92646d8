// Image volumes (core/v1 ImageVolumeSource, KEP-4639): where the files of an image are in a pod's directory, and how they go.
import type { ImageMounts } from "../runtime/mod.ts";
import type { PodFiles } from "./pod-files.ts";

/** An image volume that cannot be mounted; the message goes into the container's waiting state. */
export class ImageVolumeError extends Error {
  override readonly name = "ImageVolumeError";
  constructor(message: string) {
    // CRI's word for it (cri-api pkg/errors).
    super(`ImageVolumeMountFailed: ${message}`);
  }
}

const imagesDirectory = (podDir: string): string => `${podDir}/volumes/kubernetes.io~image`;

/** A place for each image: what a tag names may change while a container still has the old files. */
export function imageVolumePath(podDir: string, volume: string, imageId: string): string {
  return `${imagesDirectory(podDir)}/${volume}/${imageId.replace(/^\w+:/, "").slice(0, 32)}`;
}

/** What a mount of the volume shows. Throws ImageVolumeError where the image has no such path. */
export async function imageMountSource(files: PodFiles, root: string, subPath: string): Promise<string> {
  const found = await files.findInside(root, subPath);
  if (found === undefined) throw new ImageVolumeError(`subPath "${subPath}" does not exist in the image`);
  return found;
}

/** Takes all image volumes from a pod's directory, whichever process put them there. */
export async function unmountImages(
  { files, imageMounts }: { files: PodFiles; imageMounts: ImageMounts },
  podDir: string,
): Promise<void> {
  const directory = imagesDirectory(podDir);
  for (const volume of await files.list(directory))
    for (const image of await files.list(`${directory}/${volume}`))
      await imageMounts.unmount(`${directory}/${volume}/${image}`);
}
