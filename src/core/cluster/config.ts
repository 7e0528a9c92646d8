// What the launcher tells the processes of a cluster: plain JSON files, one per process.

/** The ranges of one address family; CIDR text. */
export interface ClusterRanges {
  nodeCIDR: string;
  podCIDR: string;
  serviceCIDR: string;
  loadBalancerCIDR: string;
}

/** The cluster's own facts; the same in every process. Addresses are text, ranges CIDR text of the first family. */
export interface ClusterFacts extends ClusterRanges {
  /** DNS-1123 label. */
  name: string;
  /** e.g. "cluster.local". */
  domain: string;
  /** The other family's ranges; dual-stack clusters only. */
  second?: ClusterRanges;
  /** Services may name `externalIPs`: whoever may write Services can then take other machines' traffic (CVE-2020-8554). */
  allowExternalIPs?: boolean;
  /** Inclusive. */
  nodePortRange: { from: number; to: number };
  /** ClusterIP of kube-dns, bound locally on every node. */
  dnsAddress: string;
  /** ClusterIP of default/kubernetes. */
  apiServiceAddress: string;
  /** Where nodes and pods reach the API server: the bridge address. */
  apiServer: { host: string; port: number };
}

/** Paths of PEM files. */
export interface KeyPairFiles {
  cert: string;
  key: string;
}

/** Read by `dist/server.js --config FILE`. */
export interface ServerConfig {
  cluster: ClusterFacts;
  /** Where the store lives. */
  dataDir: string;
  /** Addresses to listen on. */
  listen: { host: string; port: number }[];
  /** The host's link to the nodes, whose routes into the service ranges the server keeps; absent: it leaves routes alone. */
  hostLink?: string;
  pki: {
    caCert: string;
    serving: KeyPairFiles;
    /** Client certificate for the nodes' kubelet servers (CN=kube-apiserver-kubelet-client, O=system:masters). */
    kubeletClient: KeyPairFiles;
    /** Signs service account tokens (ES256). */
    serviceAccount: { publicKey: string; privateKey: string };
  };
}

/** Read by `dist/node.js --config FILE`. Runs inside the node's network namespace. */
/** How a node (or the host) reaches the others by one link. */
export interface UplinkFamily {
  family: 4 | 6;
  /** Its own there. */
  address: string;
  /** CIDR of the addresses that are on the link itself. */
  range: string;
  routes: { to: string; via: string }[];
}

export interface NodeConfig {
  cluster: ClusterFacts;
  nodeName: string;
  /** The node's InternalIP. */
  address: string;
  /** This node's part of the pod range, e.g. 10.244.0.0/24. */
  podCIDR: string;
  /** The same of the other family; exactly when the cluster has `second`. */
  second?: { address: string; podCIDR: string };
  /** What the node process keeps of the way to the others; absent where the machine's own network does that. */
  uplink?: { link: string; families: UplinkFamily[] };
  labels: Record<string, string>;
  /** State of the kubelet role (volumes, tokens, logs). */
  rootDir: string;
  /** containerd's socket. */
  criSocket: string;
  /** Where container logs go: <podLogDir>/<namespace>_<name>_<uid>/<container>/<n>.log. */
  podLogDir: string;
  pki: {
    caCert: string;
    /** Client certificate for the API server (CN=system:node:NAME, O=system:nodes). */
    client: KeyPairFiles;
    /** Serving certificate of the kubelet server on 10250. */
    serving: KeyPairFiles;
  };
  /** Name servers that names outside the cluster domain are forwarded to; may be empty. */
  dnsUpstreams: string[];
  /** host:port that the kubelet server listens on. */
  kubeletPort: number;
}
