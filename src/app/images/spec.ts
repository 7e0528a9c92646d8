// What an offline image is made of: Debian packages, files of its own, and the configuration a container starts with.

/** A file, directory or link of an image, by absolute path. */
export type ImageFile =
  | { readonly kind: "file"; readonly data: string | Buffer; readonly mode?: number; readonly owner?: Owner }
  | { readonly kind: "directory"; readonly mode?: number; readonly owner?: Owner }
  | { readonly kind: "symlink"; readonly target: string };

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The part of the OCI image configuration that runs a container; names as the OCI image spec has them. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
}

export interface ImageSpec {
  /** Full reference, e.g. docker.io/library/nginx:latest. */
  readonly name: string;
  /** Debian packages whose files go in, with what they depend on. */
  readonly packages: readonly string[];
  /** Packages among the dependencies that the image does not need, besides those that only serve installation. */
  readonly without?: readonly string[];
  /** Of the packages' files, only these paths, what stands below them, and a library's versioned files; absent: all but documentation. */
  readonly only?: readonly string[];
  /** Added last (but for what every system has and the image still lacks), so they replace what packages bring. */
  readonly files?: Readonly<Record<string, ImageFile>>;
  /** System users, each with a group of its own, besides root, daemon, www-data and nobody. */
  readonly users?: readonly { readonly name: string; readonly uid: number }[];
  /** Path of a busybox whose commands get a link each (in the named directory) where no file has the name. */
  readonly busybox?: { readonly binary: string; readonly linkDirectory: string };
  readonly config: ImageConfig;
}
