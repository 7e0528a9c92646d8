// The plan of a cluster: which addresses, ports and names it uses on this machine. Pure: routes and other clusters' plans
// come in, a plan or a refusal that names the collision and its cure goes out. Defaults: see docs/architecture.md.
import type { ClusterFacts } from "../../core/cluster/config.ts";
import {
  type CIDR,
  masked,
  nthAddress,
  nthSubnet,
  overlaps,
  parseCIDR,
  printCIDR,
  printIP,
  sizeOf,
} from "../../core/net/mod.ts";

export interface PlanOptions {
  name: string;
  nodes: number;
  nodeCIDR?: string | undefined;
  podCIDR?: string | undefined;
  serviceCIDR?: string | undefined;
  loadBalancerCIDR?: string | undefined;
  apiPort?: number | undefined;
  /** Names of zones that the nodes are dealt out to in turn. */
  zones?: readonly string[] | undefined;
  allowExternalIPs?: boolean | undefined;
}

export interface PlannedNode {
  name: string;
  address: string;
  podCIDR: string;
  zone?: string;
}

/** Written to plan.json before anything is made on the machine. */
export interface Plan {
  /** Number of the cluster on this machine: interface names carry it. */
  index: number;
  cluster: ClusterFacts;
  nodes: PlannedNode[];
  /** The host's address on the cluster's bridge. */
  gateway: string;
  /** Inode of the network namespace that `up` ran in. */
  netns: string;
}

/** A route or address of the machine that a range may collide with. */
export interface TakenRange {
  range: string;
  /** e.g. "route 10.96.0.0/12 dev eth0". */
  what: string;
}

export interface Surroundings {
  taken: readonly TakenRange[];
  /** Plans of the other clusters of this machine. */
  others: readonly Plan[];
  /** Inode of the current network namespace. */
  netns: string;
  portInUse(port: number): boolean;
}

export type PlanResult = { ok: true; plan: Plan } | { ok: false; message: string };

const ranges = [
  { option: "nodeCIDR", flag: "--node-cidr", minimum: 30, at: (i: number) => `172.30.${i}.0/24` },
  { option: "podCIDR", flag: "--pod-cidr", minimum: 24, at: (i: number) => `10.${244 - i}.0.0/16` },
  { option: "serviceCIDR", flag: "--service-cidr", minimum: 28, at: (i: number) => `10.${96 + i}.0.0/16` },
  {
    option: "loadBalancerCIDR",
    flag: "--load-balancer-cidr",
    minimum: 32,
    at: (i: number) => `172.30.${200 + i}.0/24`,
  },
] as const;

/** An IPv4 range without host bits; undefined when the text is anything else. */
function parseRange(text: string): CIDR | undefined {
  const range = parseCIDR(text);
  if (range?.address.family !== 4) return undefined;
  return masked(range).address.value === range.address.value ? range : undefined;
}

const refuse = (message: string): PlanResult => ({ ok: false, message });

/** DNS-1123 label, short enough for the names made of it. */
const nameRule = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

/** What is wrong with a cluster's name; every command asks before the name becomes part of a path. */
export const wrongName = (name: string): string | undefined =>
  nameRule.test(name)
    ? undefined
    : `--name: expected at most 40 lower-case letters, digits and '-', got ${JSON.stringify(name)}`;

/** A label's value (apimachinery validation: IsValidLabelValue), not empty and without a comma. */
const zoneRule = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

function wrongZones({ zones, nodes }: PlanOptions): string | undefined {
  if (zones === undefined) return undefined;
  const bad = zones.find((z) => !zoneRule.test(z));
  if (zones.length === 0 || bad !== undefined)
    return `--zones: expected names such as a,b (each a label's value), got ${JSON.stringify(zones.join(","))}`;
  if (new Set(zones).size < zones.length)
    return `--zones: expected different names, got ${JSON.stringify(zones.join(","))}`;
  return zones.length > nodes
    ? `--zones: expected at most as many zones as nodes (${nodes}), got ${zones.length}`
    : undefined;
}

/** What is wrong with the options by themselves, whatever the machine looks like. */
export function wrongOption(options: PlanOptions): string | undefined {
  const { name, nodes, apiPort } = options;
  const wrong = wrongName(name);
  if (wrong) return wrong;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 10)
    return `--nodes: expected a whole number from 1 to 10, got ${nodes}`;
  if (apiPort !== undefined && (!Number.isInteger(apiPort) || apiPort < 1 || apiPort > 65535))
    return `--api-port: expected a port from 1 to 65535, got ${apiPort}`;
  const zones = wrongZones(options);
  if (zones) return zones;
  for (const r of ranges) {
    const text = options[r.option];
    if (text === undefined) continue;
    const range = parseRange(text);
    if (!range || range.bits > r.minimum)
      return `${r.flag}: expected an IPv4 range such as ${r.at(0)}, at most /${r.minimum}, got ${JSON.stringify(text)}`;
    if (range.bits < 8 || reserved.some((other) => overlaps(range, parseRange(other)!)))
      return `${r.flag}: ${text} holds addresses that are not for hosts (${reserved.join(", ")}); choose a range such as ${r.at(0)}`;
  }
  return undefined;
}

/** "This network", loopback, link-local, multicast and reserved (RFC 6890). */
const reserved = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];

/** Which of the options asks for something else than the plan has, with the cure. */
export function changedOption(options: PlanOptions, plan: Plan): string | undefined {
  const { cluster } = plan;
  const zones = [...new Set(plan.nodes.map((n) => n.zone))];
  const wanted: [flag: string, asked: string | number | undefined, is: string | number][] = [
    ["--nodes", options.nodes, plan.nodes.length],
    ["--api-port", options.apiPort, cluster.apiServer.port],
    ["--zones", options.zones?.join(","), zones.join(",") || "(none)"],
    ["--allow-external-ips", options.allowExternalIPs?.toString(), String(cluster.allowExternalIPs ?? false)],
    ...ranges.map((r): [string, string | undefined, string] => [
      r.flag,
      options[r.option],
      cluster[r.option],
    ]),
  ];
  const other = wanted.find(([, asked, is]) => asked !== undefined && asked !== is);
  return (
    other &&
    `the cluster ${cluster.name} has ${other[0]} ${other[2]}, not ${other[1]}; first: portolan down --name ${cluster.name}`
  );
}

export function planCluster(options: PlanOptions, around: Surroundings): PlanResult {
  const wrong = wrongOption(options);
  if (wrong) return refuse(wrong);
  const indexes = new Set(around.others.map((p) => p.index));
  let why = "";
  for (let index = 0; index < 50; index++) {
    if (indexes.has(index)) continue;
    const chosen = choose(options, index);
    const full = crowded(chosen, options.nodes);
    if (full) return refuse(full);
    const clash = collision(chosen, around);
    if (clash?.foreign) return refuse(clash.message);
    if (clash) {
      why = clash.message;
      if (ranges.every((r) => options[r.option] !== undefined)) return refuse(clash.message);
      continue;
    }
    const port = options.apiPort ?? 6443 + index;
    if (around.portInUse(port))
      return refuse(
        `port ${port} is in use on 127.0.0.1; choose another: portolan up --api-port ${port + 100}`,
      );
    return { ok: true, plan: layOut(options, index, chosen, port, around.netns) };
  }
  return refuse(
    why || "no free number for another cluster on this machine (50 at most); see: portolan status --all",
  );
}

type Chosen = Record<(typeof ranges)[number]["option"], CIDR>;

function choose(options: PlanOptions, index: number): Chosen {
  return Object.fromEntries(
    ranges.map((r) => [r.option, parseRange(options[r.option] ?? r.at(index))!]),
  ) as Chosen;
}

function collision(chosen: Chosen, around: Surroundings): { message: string; foreign: boolean } | undefined {
  for (const [i, a] of ranges.entries())
    for (const b of ranges.slice(i + 1))
      if (overlaps(chosen[a.option], chosen[b.option]))
        return {
          foreign: true,
          message: `${a.flag} ${printCIDR(chosen[a.option])} and ${b.flag} ${printCIDR(chosen[b.option])} overlap; choose disjoint ranges`,
        };
  for (const other of around.others.filter((o) => o.netns === around.netns))
    for (const r of ranges)
      for (const theirs of ranges) {
        const range = parseRange(other.cluster[theirs.option])!;
        if (overlaps(chosen[r.option], range))
          return {
            foreign: false,
            message: `${r.flag} ${printCIDR(chosen[r.option])} overlaps ${printCIDR(range)} of the cluster ${other.cluster.name}; choose another range, or: portolan down --name ${other.cluster.name}`,
          };
      }
  for (const r of ranges)
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

/** `layOut` asks only for addresses that `crowded` has found to be there. */
const addressIn = (range: CIDR, n: number): string => printIP(nthAddress(range, n)!);

/** Every node has a /24 of the pod range. */
const podBits = 24;

/** Why the nodes do not fit into the ranges: an address each beside the network's, the gateway's and the broadcast one. */
function crowded({ nodeCIDR, podCIDR }: Chosen, nodes: number): string | undefined {
  const rooms = [
    { flag: "--node-cidr", range: nodeCIDR, room: Number(sizeOf(nodeCIDR)) - 3 },
    { flag: "--pod-cidr", range: podCIDR, room: 2 ** (podBits - podCIDR.bits) },
  ];
  const full = rooms.find((r) => r.room < nodes);
  return (
    full &&
    `${full.flag} ${printCIDR(full.range)} has room for ${full.room} nodes, expected ${nodes}; choose a wider range`
  );
}

function layOut(options: PlanOptions, index: number, chosen: Chosen, port: number, netns: string): Plan {
  const { nodeCIDR, podCIDR, serviceCIDR, loadBalancerCIDR } = chosen;
  const gateway = addressIn(nodeCIDR, 1);
  const nodes = Array.from({ length: options.nodes }, (_, i) => ({
    name: `node-${i + 1}`,
    address: addressIn(nodeCIDR, i + 2),
    podCIDR: printCIDR(nthSubnet(podCIDR, podBits, i)!),
    ...(options.zones ? { zone: options.zones[i % options.zones.length]! } : {}),
  }));
  return {
    index,
    gateway,
    netns,
    nodes,
    cluster: {
      name: options.name,
      domain: "cluster.local",
      nodeCIDR: printCIDR(nodeCIDR),
      podCIDR: printCIDR(podCIDR),
      serviceCIDR: printCIDR(serviceCIDR),
      loadBalancerCIDR: printCIDR(loadBalancerCIDR),
      ...(options.allowExternalIPs ? { allowExternalIPs: true } : {}),
      nodePortRange: { from: 30000, to: 32767 },
      apiServiceAddress: addressIn(serviceCIDR, 1),
      dnsAddress: addressIn(serviceCIDR, Math.min(10, Number(sizeOf(serviceCIDR)) - 2)),
      apiServer: { host: gateway, port },
    },
  };
}
