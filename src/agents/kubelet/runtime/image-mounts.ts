// The port to the files of images, for image volumes (KEP-4639): CRI of containerd 1.6 knows no mounts of images, so they are
// mounted on this machine and given to containers from there. edge/cri implements it over containerd's snapshots.

/** Paths are absolute. What one process mounted, the next one finds: all that is kept is in the runtime and the kernel. */
export interface ImageMounts {
  /**
   * Shows the files of a local image (its id) at `path`, read-only and not to be executed; done already, nothing is done. They
   * stay there though the image be removed.
   */
  mount(imageId: string, path: string): Promise<void>;
  /** Takes them away, and whatever part of them there is. */
  unmount(path: string): Promise<void>;
}
