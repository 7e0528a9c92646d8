// A node's loopback stays its own: host ports on 127.0.0.1 need the kernel to forward from loopback addresses
// (route_localnet), and then it would let them in from the network too; this table drops those first.
import type { NftTable } from "../nft/mod.ts";

export const loopbackGuard: NftTable = {
  layout: {
    family: "ip",
    table: "portolan-loopback",
    sets: [],
    chains: [
      {
        name: "prerouting",
        hook: { type: "filter", hook: "prerouting", priority: -300 },
        rules: ['iifname != "lo" ip daddr 127.0.0.0/8 drop', 'iifname != "lo" ip saddr 127.0.0.0/8 drop'],
      },
    ],
  },
  elements: new Map(),
};
