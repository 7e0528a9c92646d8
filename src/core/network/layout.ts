// The shape of the service table: sets, maps and a constant number of chains. Services and endpoints are elements only.
//
// A new connection looks its destination up in `frontends` (or `nodeports`) and gets a 32-bit word as packet mark:
//   bit 31 `local`       outside traffic goes to this node's endpoints only and keeps its source
//   bit 30 `masquerade`  the source becomes the node's
//   bit 29 `guarded`     only sources in `source-ranges` may pass
//   bits 28-19 class     which chain balances: reject, drop, one chain per endpoint count (and affinity timeout), or the one
//                        that `ways` names for the group
//   bits 18-0 group      whose endpoints: the key of `backends`, together with a slot that numgen draws
// nft 1.0.6 cannot add a rule that maps to `th dport` through a typeof map that exists already, hence plain types and marks.
import type { Family, NftChain, NftLayout, NftSet } from "../nft/mod.ts";

export const bits = {
  local: 0x80000000,
  masquerade: 0x40000000,
  guarded: 0x20000000,
  class: 0x1ff80000,
  group: 0x0007ffff,
} as const;
export const classShift = 19;
export const maxClass = 0x3ff;
export const maxGroup = bits.group;

/** A mark as nft lists it. */
export const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, "0")}`;

/** Classes that every table has. */
export const classes = { reject: 0, drop: 1, byGroup: 2 } as const;
/** The first that a way of balancing may have. */
export const firstClass = 3;

/** How a group's endpoints are drawn from. */
export interface Balance {
  readonly endpoints: number;
  /** Seconds of client affinity; undefined: none. */
  readonly affinity: number | undefined;
}

/** Name of the chain that balances so. */
export function balanceChain(b: Balance): string {
  return b.affinity === undefined ? `lb-${b.endpoints}` : `sticky-${b.affinity}-${b.endpoints}`;
}

/** The reverse of `balanceChain`; undefined for another chain. */
export function parseBalanceChain(name: string): Balance | undefined {
  const m = /^(?:lb|sticky-(\d+))-(\d+)$/.exec(name);
  if (!m) return undefined;
  return { endpoints: Number(m[2]), affinity: m[1] === undefined ? undefined : Number(m[1]) };
}

const transport = "meta l4proto { tcp, udp, sctp }";
const dialled = "ip daddr . meta l4proto . th dport";
const group = `(ct mark & ${hex(bits.group)})`;
/**
 * What affinity is kept by: the group and the client. nft 1.0.6 puts an update's data over the end of a key longer than 16
 * bytes, so an IPv6 client is known by 32 bits of a hash, which the packet's priority carries through these chains. Two
 * clients of one hash share an endpoint; nothing else comes of it.
 */
const client = (family: Family): string =>
  family === "ip" ? "ct mark . ip saddr" : "ct mark . meta priority";
const hashClient = "meta priority set jhash ip6 saddr mod 4294967295 seed 0x706f7274";
const inFamily = (family: Family, text: string): string =>
  family === "ip" ? text : text.replace(/\bip (?=[sd]addr|to)/g, "ip6 ");

/** The chain that sends a client where it went last, while that endpoint is still there. */
function rememberedChain(family: Family, seconds: number): NftChain {
  return {
    name: `remembered-${seconds}`,
    rules: [
      `update @affinity { ${client(family)} timeout ${seconds}s : meta mark }`,
      `${transport} dnat ip to meta mark map @sticky-endpoints`,
      `delete @affinity { ${client(family)} : meta mark }`,
    ],
  };
}

/** Affinity: the table remembers each client's endpoint. */
function stickyChains(family: Family, name: string, seconds: number, endpoints: number): NftChain[] {
  return [
    rememberedChain(family, seconds),
    {
      name,
      rules: [
        `ct mark set meta mark & ${hex(bits.masquerade | bits.group)}`,
        ...(family === "ip" ? [] : [hashClient]),
        `meta mark set ${client(family)} map @affinity jump remembered-${seconds}`,
        `meta mark set numgen random mod ${endpoints}`,
        `meta mark set meta mark . ${group} map @sticky-slots add @affinity { ${client(family)} timeout ${seconds}s : meta mark }`,
        `${transport} dnat ip to meta mark map @sticky-endpoints`,
      ],
    },
  ];
}

/** The chains that a way of balancing needs, in the order they must be made. */
export function chainsFor(family: Family, b: Balance): NftChain[] {
  const name = balanceChain(b);
  // The word moves to the ct mark, where it stays as the connection's label; the mark then holds the slot.
  const plain = [
    "ct mark set meta mark",
    `meta mark set numgen random mod ${b.endpoints}`,
    `${transport} dnat ip to meta mark . ${group} map @backends`,
  ];
  const chains =
    b.affinity === undefined ? [{ name, rules: plain }] : stickyChains(family, name, b.affinity, b.endpoints);
  return chains.map((c) => ({ ...c, rules: c.rules.map((r) => inFamily(family, r)) }));
}

function sets(family: Family): NftSet[] {
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const frontend = `${address} . inet_proto . inet_service`;
  const nodePort = "inet_proto . inet_service";
  const slot = "mark . mark";
  return [
    { name: "frontends", type: `type ${frontend} : mark` },
    { name: "nodeports", type: `type ${nodePort} : mark` },
    { name: "inside-frontends", type: `type ${frontend} : mark` },
    { name: "inside-nodeports", type: `type ${nodePort} : mark` },
    { name: "source-ranges", type: `type ${frontend} . ${address}`, flags: ["interval"] },
    { name: "classes", type: "type mark : verdict" },
    { name: "ways", type: "type mark : verdict" },
    { name: "backends", type: `type ${slot} : ${address} . inet_service` },
    { name: "sticky-slots", type: `type ${slot} : mark` },
    { name: "sticky-endpoints", type: `type mark : ${address} . inet_service` },
    {
      name: "affinity",
      type: `type mark . ${family === "ip" ? address : "classid"} : mark`,
      size: 262144,
      flags: ["dynamic", "timeout"],
    },
    { name: "hairpin", type: `type ${address} . ${address}` },
    { name: "cluster-ips", type: `type ${address}` },
    { name: "node-addresses", type: `type ${address}` },
    { name: "local-addresses", type: `type ${address}` },
    { name: "node-pods", type: `type ${address}`, flags: ["interval"] },
    { name: "service-ranges", type: `type ${address}`, flags: ["interval"] },
  ];
}

function chains(family: Family): NftChain[] {
  const masq = hex(bits.masquerade);
  const own = family === "ip" ? "ip saddr" : "ip6 saddr";
  const clear = `ct state new ct status dnat meta mark set 0x00000000${family === "ip" ? "" : " meta priority set none"}`;
  const list: NftChain[] = [
    { name: "refuse", rules: ["meta l4proto tcp reject with tcp reset", "reject"] },
    { name: "balance", rules: [`(meta mark & ${hex(bits.class)}) vmap @classes`] },
    { name: "by-group", rules: [`(meta mark & ${hex(bits.group)}) vmap @ways`] },
    {
      name: "keep-pods",
      rules: [`ip saddr != @node-pods meta mark set meta mark | ${masq}`, "goto balance"],
    },
    {
      name: "inside",
      rules: [
        `meta mark set ${dialled} map @inside-frontends goto keep-pods`,
        "meta mark set meta l4proto . th dport map @inside-nodeports goto keep-pods",
      ],
    },
    {
      name: "keep",
      rules: ["ip saddr @node-pods goto inside", "fib saddr type local goto inside", "goto balance"],
    },
    {
      name: "dispatch",
      rules: [
        `meta mark & ${hex(bits.guarded)} != 0x00000000 ${dialled} . ip saddr != @source-ranges drop`,
        `meta mark & ${hex(bits.local)} != 0x00000000 goto keep`,
        "goto keep-pods",
      ],
    },
    {
      name: "services",
      rules: [
        "ip daddr @local-addresses return",
        `meta mark set ${dialled} map @frontends goto dispatch`,
        "ip daddr @node-addresses meta mark set meta l4proto . th dport map @nodeports goto dispatch",
        "ip daddr @cluster-ips goto refuse",
        "ip daddr @service-ranges drop",
      ],
    },
    {
      name: "nat-prerouting",
      hook: { type: "nat", hook: "prerouting", priority: -100 },
      rules: ["goto services"],
    },
    { name: "nat-output", hook: { type: "nat", hook: "output", priority: -100 }, rules: ["goto services"] },
    // The mark has done its work, and so has the priority.
    {
      name: "clear-prerouting",
      hook: { type: "filter", hook: "prerouting", priority: -99 },
      rules: [clear],
    },
    {
      name: "clear-output",
      hook: { type: "filter", hook: "output", priority: -99 },
      rules: [clear],
    },
    {
      name: "nat-postrouting",
      hook: { type: "nat", hook: "postrouting", priority: 100 },
      rules: [
        `ct status dnat ct mark & ${masq} != 0x00000000 masquerade fully-random`,
        `ct status dnat ${own} . ${own.replace("saddr", "daddr")} @hairpin masquerade fully-random`,
      ],
    },
    // A reset for a connection that conntrack gave up must not reach a client that never spoke to the endpoint.
    {
      name: "filter-forward",
      hook: { type: "filter", hook: "forward", priority: 0 },
      rules: ["ct state invalid drop"],
    },
  ];
  return list.map((c) => ({ ...c, rules: c.rules.map((r) => inFamily(family, r)) }));
}

/** The constant part of a service table of that family and name. */
export function serviceLayout(family: Family, table: string): NftLayout {
  return { family, table, sets: sets(family), chains: chains(family) };
}
