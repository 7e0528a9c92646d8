// The CNI configuration of one node, as text: a veth pair a pod (ptp) with addresses of the node's range (host-local).
// Format: CNI specification 0.4.0, a network configuration list (what Debian 12's plugins and containerd 1.6 speak).

export interface CniConfigInput {
  /** Network name; libcni's cached results carry it, so make it unique to cluster and node. */
  name: string;
  /** The node's part of the pod range; pods get its addresses from .2 on, .1 is the gateway on every veth. */
  podCIDR: string;
  mtu: number;
  /** Where host-local keeps its reservations. */
  dataDir: string;
}

/** The file's content; write it as `10-<name>.conflist` into the node's CNI directory before any pod starts. */
export function renderCniConfig({ name, podCIDR, mtu, dataDir }: CniConfigInput): string {
  const list = {
    cniVersion: "0.4.0",
    name,
    plugins: [
      {
        type: "ptp",
        mtu,
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir,
          ranges: [[{ subnet: podCIDR }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
    ],
  };
  return `${JSON.stringify(list, null, 2)}\n`;
}
