// containerd's configuration for one node, as text: each node has its own containerd with its own root, state and socket.
// Format: containerd's config.toml version 2 (containerd 1.6 and later 1.x).

export interface ContainerdConfigInput {
  /** Persistent data: images, snapshots, metadata. */
  root: string;
  /** Run-time state: task bundles, sockets, pods' network namespaces. Gone when the node is gone. */
  state: string;
  /** The gRPC socket: NodeConfig.criSocket. */
  socket: string;
  /** Where the CNI plugins are, e.g. /usr/lib/cni. */
  cniBinDir: string;
  /** The directory that holds this node's one CNI configuration. */
  cniConfDir: string;
  /** Image of every pod's sandbox; it must have been imported. */
  sandboxImage: string;
  /** Set when CAP_SYS_RESOURCE is missing: no process may then lower its oom_score_adj below containerd's own. */
  restrictOomScoreAdj: boolean;
  /** Default overlayfs; "native" where overlay does not work. */
  snapshotter?: "overlayfs" | "native";
  /** Default "warn". */
  logLevel?: "debug" | "info" | "warn" | "error";
  /** Where runc keeps the state of its containers; default `<state>/runc`. */
  runcRoot?: string;
}

/** A TOML basic string: JSON's escapes are a subset of TOML's. */
const quote = (s: string): string => JSON.stringify(s);

/**
 * The whole config.toml. Plugins that a node does not use are off: they cost start-up time and memory, and
 * `opt` would write outside of the node's directories.
 */
export function renderContainerdConfig(input: ContainerdConfigInput): string {
  const {
    root,
    state,
    socket,
    cniBinDir,
    cniConfDir,
    sandboxImage,
    restrictOomScoreAdj,
    snapshotter = "overlayfs",
    logLevel = "warn",
    runcRoot = `${state}/runc`,
  } = input;
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  return `version = 2
root = ${quote(root)}
state = ${quote(state)}
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
address = ${quote(socket)}

[debug]
level = ${quote(logLevel)}

[${cri}]
sandbox_image = ${quote(sandboxImage)}
restrict_oom_score_adj = ${restrictOomScoreAdj}
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"
stream_server_port = "0"
max_container_log_line_size = 16384
tolerate_missing_hugetlb_controller = true
disable_hugetlb_controller = true
enable_unprivileged_ports = true
enable_unprivileged_icmp = true

[${cri}.cni]
bin_dir = ${quote(cniBinDir)}
conf_dir = ${quote(cniConfDir)}
max_conf_num = 1

[${cri}.containerd]
snapshotter = ${quote(snapshotter)}
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
Root = ${quote(runcRoot)}
`;
}
