// The port to this machine's files: where a pod's volumes, logs and managed files live. edge/pod-volumes implements it.

export interface VolumeFile {
  content: Buffer;
  /** Permission bits. */
  mode: number;
  /** Owner; root where absent. */
  uid?: number;
}

/** Who may use a volume: fsGroup, and whether the group may write. */
export interface Ownership {
  gid: number;
  writable: boolean;
}

export type HostPathType =
  | ""
  | "DirectoryOrCreate"
  | "Directory"
  | "FileOrCreate"
  | "File"
  | "Socket"
  | "CharDevice"
  | "BlockDevice";

/** Paths are absolute. Rejections carry words for a FailedMount event. */
export interface PodFiles {
  /** Makes the directory and its parents. */
  makeDirectory(path: string, mode: number, ownership?: Ownership): Promise<void>;
  /** Makes `path` a link to `target`, whatever link was there. */
  link(path: string, target: string): Promise<void>;
  /** Mounts a tmpfs there unless one is mounted already. `sizeBytes` 0: half of the machine's memory. */
  mountMemory(path: string, sizeBytes: number, ownership?: Ownership): Promise<void>;
  /** Replaces the directory's content in one step, seen whole or not at all; nothing is written when nothing changed. */
  writeVolume(
    path: string,
    files: ReadonlyMap<string, VolumeFile>,
    ownership: Ownership | undefined,
  ): Promise<void>;
  writeFile(path: string, content: string, mode: number): Promise<void>;
  /** Checks, and for the OrCreate types makes, what a hostPath volume names. */
  checkHostPath(path: string, type: HostPathType): Promise<void>;
  /** The path below the volume with links resolved, made where missing; refuses one that leads out of the volume. */
  resolveSubPath(volume: string, subPath: string): Promise<string>;
  /**
   * What `path` names where `root` is the root of all, as for a process that sees nothing else: links that lead up or begin
   * with / stay below it. Undefined where there is nothing; nothing is made.
   */
  findInside(root: string, path: string): Promise<string | undefined>;
  /** The last `maxBytes` of a file; undefined when there is none. */
  readTail(path: string, maxBytes: number): Promise<string | undefined>;
  /** Whether mounts made at or above the path on this machine reach mounts taken from it. */
  sharesMounts(path: string): Promise<boolean>;
  /** The whole of a small file of the machine, "" when it cannot be read. */
  readText(path: string): Promise<string>;
  /** Unmounts and removes everything below. */
  removeTree(path: string): Promise<void>;
  /** Removes a pod's empty cgroups from every hierarchy. */
  removeCgroup(path: string): Promise<void>;
  /**
   * Bytes of disk that each path uses with everything below it: blocks, hard links once, nothing that is mounted below. Paths
   * do not overlap; one that does not exist is not in the answer. Has a time limit.
   */
  diskUsage(paths: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Names in a directory; none when it does not exist. */
  list(path: string): Promise<string[]>;
}
