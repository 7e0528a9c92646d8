// The address ranges of a cluster: what the options may ask for, what is taken where they do not, and what collides.
import { type CIDR, masked, overlaps, parseCIDR, printCIDR, sizeOf } from "../../core/net/mod.ts";

type Family = 4 | 6;

/** kind's words. A dual-stack cluster's first family is IPv4. */
export type IPFamily = "ipv4" | "ipv6" | "dual";

export const familiesOf: Readonly<Record<IPFamily, readonly Family[]>> = {
  ipv4: [4],
  ipv6: [6],
  dual: [4, 6],
};

export type RangeOption = "nodeCIDR" | "podCIDR" | "serviceCIDR" | "loadBalancerCIDR";

/** Texts of the options: one range, or one a family with a comma between. */
export type RangeTexts = Partial<Record<RangeOption, string | undefined>>;

/** The ranges of one family. */
export type Chosen = Record<RangeOption, CIDR>;

interface OfFamily {
  /** Prefix length of the widest range and of the smallest. */
  widest: number;
  smallest: number;
  /** The default of a machine's nth cluster. */
  at(index: number): string;
}

interface RangeRule extends Record<Family, OfFamily> {
  option: RangeOption;
  flag: string;
}

const rule = (
  option: RangeOption,
  flag: string,
  four: [smallest: number, at: OfFamily["at"]],
  six: [widest: number, smallest: number, at: OfFamily["at"]],
): RangeRule => ({
  option,
  flag,
  4: { widest: 8, smallest: four[0], at: four[1] },
  6: { widest: six[0], smallest: six[1], at: six[2] },
});

/** Every node has one of the pod range. */
export const podBits: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };

export const rangeRules: readonly RangeRule[] = [
  rule("nodeCIDR", "--node-cidr", [30, (i) => `172.30.${i}.0/24`], [16, 120, (i) => `fd00:172:30:${i}::/64`]),
  rule(
    "podCIDR",
    "--pod-cidr",
    [podBits[4], (i) => `10.${244 - i}.0.0/16`],
    [16, podBits[6], (i) => `fd00:10:${244 - i}::/56`],
  ),
  // Kubernetes takes no wider ServiceCIDR than a /64.
  rule(
    "serviceCIDR",
    "--service-cidr",
    [28, (i) => `10.${96 + i}.0.0/16`],
    [64, 124, (i) => `fd00:10:${96 + i}::/112`],
  ),
  rule(
    "loadBalancerCIDR",
    "--load-balancer-cidr",
    [32, (i) => `172.30.${200 + i}.0/24`],
    [16, 128, (i) => `fd00:172:30:${200 + i}::/112`],
  ),
];

/** What is not for hosts (RFC 6890): this network, loopback, link-local, multicast, reserved; mapped addresses. */
const reserved: Readonly<Record<Family, readonly string[]>> = {
  4: ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"],
  6: ["::/8", "fe80::/10", "ff00::/8"],
};

/** A range without host bits; undefined when the text is anything else. */
export function parseRange(text: string): CIDR | undefined {
  const range = parseCIDR(text);
  return range && masked(range).address.value === range.address.value ? range : undefined;
}

const parts = (text: string): string[] => text.split(",");

const example = (r: RangeRule, family: Family): string =>
  `IPv${family} range such as ${r[family].at(0)}, at most /${r[family].smallest}`;

function wrongRange(text: string, r: RangeRule, families: readonly Family[]): string | undefined {
  const ranges = parts(text).map(parseRange);
  const known = ranges.map((c) => c?.address.family);
  const fits = ranges.every((c) => {
    const own = c && families.includes(c.address.family) ? r[c.address.family] : undefined;
    return own && c!.bits <= own.smallest && (c!.bits >= own.widest || c!.address.family === 4);
  });
  if (!fits || new Set(known).size < known.length) {
    const wanted = families.map((f) => `an ${example(r, f)}`).join("; or ");
    const both = families.length > 1 ? "; or both with a comma between" : "";
    return `${r.flag}: expected ${wanted}${both}, got ${JSON.stringify(text)}`;
  }
  for (const c of ranges) {
    const { family } = c!.address;
    if (c!.bits < r[family].widest || reserved[family].some((other) => overlaps(c!, parseRange(other)!)))
      return `${r.flag}: ${printCIDR(c!)} holds addresses that are not for hosts (${reserved[family].join(", ")}); choose a range such as ${r[family].at(0)}`;
  }
  return undefined;
}

/** What is wrong with the ranges that were asked for, whatever the machine looks like. */
export function wrongRanges(texts: RangeTexts, families: readonly Family[]): string | undefined {
  for (const r of rangeRules) {
    const text = texts[r.option];
    const wrong = text === undefined ? undefined : wrongRange(text, r, families);
    if (wrong) return wrong;
  }
  return undefined;
}

/** The one of that family among the ranges asked for. */
export function askedRange(text: string | undefined, family: Family): CIDR | undefined {
  return text === undefined
    ? undefined
    : parts(text)
        .map(parseRange)
        .find((c) => c?.address.family === family);
}

/** The ranges of the nth cluster of a machine, the first family's first. */
export function chooseRanges(texts: RangeTexts, families: readonly Family[], index: number): Chosen[] {
  return families.map(
    (family) =>
      Object.fromEntries(
        rangeRules.map((r) => [
          r.option,
          askedRange(texts[r.option], family) ?? parseRange(r[family].at(index))!,
        ]),
      ) as Chosen,
  );
}

/** Whether no range is left to choose. */
export const allAsked = (texts: RangeTexts, families: readonly Family[]): boolean =>
  rangeRules.every((r) => families.every((f) => askedRange(texts[r.option], f) !== undefined));

/** Something of the machine that a range may collide with. */
export interface TakenRange {
  /** CIDR text of any family. */
  range: string;
  /** e.g. "route 10.96.0.0/12 dev eth0". */
  what: string;
}

export interface OtherCluster {
  name: string;
  ranges: readonly Readonly<Record<RangeOption, string>>[];
}

/** The first collision. `foreign`: another set of defaults would not help. */
export function collision(
  chosen: Chosen,
  around: { taken: readonly TakenRange[]; others: readonly OtherCluster[] },
): { message: string; foreign: boolean } | undefined {
  for (const [i, a] of rangeRules.entries())
    for (const b of rangeRules.slice(i + 1))
      if (overlaps(chosen[a.option], chosen[b.option]))
        return {
          foreign: true,
          message: `${a.flag} ${printCIDR(chosen[a.option])} and ${b.flag} ${printCIDR(chosen[b.option])} overlap; choose disjoint ranges`,
        };
  for (const other of around.others)
    for (const r of rangeRules)
      for (const text of other.ranges.flatMap((o) => rangeRules.map((theirs) => o[theirs.option]))) {
        const range = parseRange(text);
        if (range && overlaps(chosen[r.option], range))
          return {
            foreign: false,
            message: `${r.flag} ${printCIDR(chosen[r.option])} overlaps ${printCIDR(range)} of the cluster ${other.name}; choose another range, or: portolan down --name ${other.name}`,
          };
      }
  for (const r of rangeRules)
    for (const t of around.taken) {
      const range = parseRange(t.range);
      if (range && range.bits > 0 && overlaps(chosen[r.option], range))
        return {
          foreign: true,
          message: `the range ${printCIDR(chosen[r.option])} collides with ${t.what}; choose another: portolan up ${r.flag} RANGE`,
        };
    }
  return undefined;
}

/** Why the nodes do not fit into the ranges: an address each beside the network's, the gateway's and the broadcast one. */
export function crowded({ nodeCIDR, podCIDR }: Chosen, nodes: number): string | undefined {
  const { family } = podCIDR.address;
  const rooms = [
    { flag: "--node-cidr", range: nodeCIDR, room: Number(sizeOf(nodeCIDR)) - 3 },
    { flag: "--pod-cidr", range: podCIDR, room: 2 ** (podBits[family] - podCIDR.bits) },
  ];
  const full = rooms.find((r) => r.room < nodes);
  return (
    full &&
    `${full.flag} ${printCIDR(full.range)} has room for ${full.room} nodes, expected ${nodes}; choose a wider range`
  );
}
