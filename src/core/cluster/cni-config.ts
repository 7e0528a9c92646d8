// The CNI configuration of one node, as text: a veth pair a pod (ptp) with addresses of the node's ranges (host-local).
// Format: CNI specification 0.4.0, a network configuration list (what Debian 12's plugins and containerd 1.6 speak).

export interface CniConfigInput {
  /** Network name; libcni's cached results carry it, so make it unique to cluster and node. */
  name: string;
  /** The node's part of each family's pod range; pods get its addresses from .2 on, .1 is the gateway on every veth. */
  podCIDRs: readonly string[];
  mtu: number;
  /** Where host-local keeps its reservations. */
  dataDir: string;
}

const isIPv6 = (cidr: string): boolean => cidr.includes(":");

/** Whether pods need `addressesAtOnce`: the directory of plugins must then hold it under this name. */
export const needsAddressesAtOnce = (podCIDRs: readonly string[]): boolean => podCIDRs.some(isIPv6);
export const addressesAtOnce = "portolan-addresses-at-once";

/** The file's content; write it as `10-<name>.conflist` into the node's CNI directory before any pod starts. */
export function renderCniConfig({ name, podCIDRs, mtu, dataDir }: CniConfigInput): string {
  const list = {
    cniVersion: "0.4.0",
    name,
    plugins: [
      ...(needsAddressesAtOnce(podCIDRs) ? [{ type: addressesAtOnce }] : []),
      {
        type: "ptp",
        mtu,
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir,
          ranges: podCIDRs.map((subnet) => [{ subnet }]),
          routes: podCIDRs.map((c) => ({ dst: isIPv6(c) ? "::/0" : "0.0.0.0/0" })),
        },
      },
    ],
  };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/**
 * A CNI plugin, as a shell script, that goes before the others: the links that they make in the pod's network namespace take
 * their IPv6 addresses as given. Else each pod would wait for a second or two until the kernel has found nobody else who has
 * its address (RFC 4862, 5.4), which nobody can have, and listen to routers that are not there.
 */
export function renderAddressesAtOnce(): string {
  return `#!/bin/sh -e
PATH=\${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
case "$CNI_COMMAND" in
ADD)
  nsenter --net="$CNI_NETNS" sh -e -c '
    for of in all default; do
      echo 0 > /proc/sys/net/ipv6/conf/$of/accept_dad
      echo 0 > /proc/sys/net/ipv6/conf/$of/accept_ra
    done' >&2
  echo '{"cniVersion":"0.4.0"}'
  ;;
VERSION)
  echo '{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}'
  ;;
esac
`;
}
