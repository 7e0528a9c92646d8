// The plan of a cluster: which addresses, ports and names it uses on this machine. Pure: routes and other clusters' plans
// come in, a plan or a refusal that names the collision and its cure goes out. Defaults: see docs/architecture.md.
import type { ClusterFacts, ClusterRanges, UplinkFamily } from "../../core/cluster/config.ts";
import {
  type CIDR,
  joinHostPort,
  nthAddress,
  nthSubnet,
  printCIDR,
  printIP,
  sizeOf,
} from "../../core/net/mod.ts";
import {
  allAsked,
  askedRange,
  type Chosen,
  chooseRanges,
  collision,
  crowded,
  familiesOf,
  type IPFamily,
  podBits,
  type RangeTexts,
  rangeRules,
  type TakenRange,
  wrongRanges,
} from "./ranges.ts";

export type { IPFamily, TakenRange } from "./ranges.ts";

export interface PlanOptions extends RangeTexts {
  name: string;
  nodes: number;
  /** Default "ipv4". */
  ipFamily?: IPFamily | undefined;
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
  /** Of the other family; dual-stack clusters only. */
  second?: { address: string; podCIDR: string };
}

/** Written to plan.json before anything is made on the machine. */
export interface Plan {
  /** Number of the cluster on this machine: interface names carry it. */
  index: number;
  cluster: ClusterFacts;
  nodes: PlannedNode[];
  /** The host's address on the cluster's bridge. */
  gateway: string;
  /** Of the other family; dual-stack clusters only. */
  second?: { gateway: string };
  /** Inode of the network namespace that `up` ran in. */
  netns: string;
}

export interface Surroundings {
  taken: readonly TakenRange[];
  /** Plans of the other clusters of this machine. */
  others: readonly Plan[];
  /** Numbers that clusters of other state directories have in this network namespace. */
  foreignIndexes: readonly number[];
  /** Inode of the current network namespace. */
  netns: string;
  /** On the loopback address of the cluster's first family. */
  portInUse(port: number): boolean;
}

export type PlanResult = { ok: true; plan: Plan } | { ok: false; message: string };

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
  const family = options.ipFamily ?? "ipv4";
  if (!Object.hasOwn(familiesOf, family))
    return `--ip-family: expected ipv4, ipv6 or dual, got ${JSON.stringify(family)}`;
  return wrongRanges(options, familiesOf[family]);
}

/** What a plan says of one address family. */
export interface FamilyPlan {
  family: 4 | 6;
  ranges: ClusterRanges;
  gateway: string;
  nodes: { name: string; address: string; podCIDR: string }[];
}

/** How a node of that family's plan reaches the host, the others and their pods. */
export function nodeUplink({ family, ranges, gateway, nodes }: FamilyPlan, name: string): UplinkFamily {
  const own = nodes.find((n) => n.name === name)!;
  return {
    family,
    address: own.address,
    range: ranges.nodeCIDR,
    routes: [
      { to: family === 4 ? "0.0.0.0/0" : "::/0", via: gateway },
      ...nodes.filter((n) => n !== own).map((n) => ({ to: n.podCIDR, via: n.address })),
    ],
  };
}

/** The families of a cluster, its first one first. */
export function familyPlans({ cluster, gateway, nodes, second }: Plan): FamilyPlan[] {
  const of = (ranges: ClusterRanges, gateway: string, nodes: FamilyPlan["nodes"]): FamilyPlan => ({
    family: ranges.nodeCIDR.includes(":") ? 6 : 4,
    ranges,
    gateway,
    nodes,
  });
  const plans = [of(cluster, gateway, nodes)];
  if (cluster.second && second)
    plans.push(
      of(
        cluster.second,
        second.gateway,
        nodes.map((n) => ({ name: n.name, ...n.second! })),
      ),
    );
  return plans;
}

export function ipFamilyOf(plan: Plan): IPFamily {
  const [first, second] = familyPlans(plan);
  return second ? "dual" : first!.family === 6 ? "ipv6" : "ipv4";
}

/** Where the machine itself reaches the API server, and users do. */
export const apiHost = (plan: Plan): string =>
  plan.cluster.apiServer.host.includes(":") ? "::1" : "127.0.0.1";

export const apiUrl = (plan: Plan): string =>
  `https://${joinHostPort(apiHost(plan), plan.cluster.apiServer.port)}`;

/** Which of the options asks for something else than the plan has, with the cure. */
export function changedOption(options: PlanOptions, plan: Plan): string | undefined {
  const { cluster } = plan;
  const zones = [...new Set(plan.nodes.map((n) => n.zone))];
  const wanted: [flag: string, asked: string | number | undefined, is: string | number][] = [
    ["--nodes", options.nodes, plan.nodes.length],
    ["--api-port", options.apiPort, cluster.apiServer.port],
    ["--zones", options.zones?.join(","), zones.join(",") || "(none)"],
    ["--allow-external-ips", options.allowExternalIPs?.toString(), String(cluster.allowExternalIPs ?? false)],
    ["--ip-family", options.ipFamily, ipFamilyOf(plan)],
    ...familyPlans(plan).flatMap(({ family, ranges }) =>
      rangeRules.map((r): [string, string | undefined, string] => {
        const asked = askedRange(options[r.option], family);
        return [r.flag, asked && printCIDR(asked), ranges[r.option]];
      }),
    ),
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
  const families = familiesOf[options.ipFamily ?? "ipv4"];
  const indexes = new Set([...around.others.map((p) => p.index), ...around.foreignIndexes]);
  const others = around.others
    .filter((o) => o.netns === around.netns)
    .map((o) => ({ name: o.cluster.name, ranges: familyPlans(o).map((f) => f.ranges) }));
  let why = "";
  for (let index = 0; index < 50; index++) {
    if (indexes.has(index)) continue;
    const chosen = chooseRanges(options, families, index);
    const full = chosen.map((c) => crowded(c, options.nodes)).find((f) => f);
    if (full) return refuse(full);
    const clashes = chosen.flatMap((c) => collision(c, { taken: around.taken, others }) ?? []);
    const foreign = clashes.find((c) => c.foreign);
    if (foreign) return refuse(foreign.message);
    if (clashes[0]) {
      why = clashes[0].message;
      if (allAsked(options, families)) return refuse(why);
      continue;
    }
    const port = options.apiPort ?? 6443 + index;
    if (around.portInUse(port))
      return refuse(
        `port ${port} is in use on ${families[0] === 6 ? "::1" : "127.0.0.1"}; choose another: portolan up --api-port ${port + 100}`,
      );
    return { ok: true, plan: layOut(options, index, chosen, port, around.netns) };
  }
  return refuse(
    why || "no free number for another cluster on this machine (50 at most); see: portolan status --all",
  );
}

/** `layOut` asks only for addresses that `crowded` has found to be there. */
const addressIn = (range: CIDR, n: number): string => printIP(nthAddress(range, n)!);

function layOut(
  options: PlanOptions,
  index: number,
  [first, other]: readonly Chosen[],
  port: number,
  netns: string,
): Plan {
  const printed = (c: Chosen): ClusterRanges => ({
    nodeCIDR: printCIDR(c.nodeCIDR),
    podCIDR: printCIDR(c.podCIDR),
    serviceCIDR: printCIDR(c.serviceCIDR),
    loadBalancerCIDR: printCIDR(c.loadBalancerCIDR),
  });
  const nodeIn = ({ nodeCIDR, podCIDR }: Chosen, i: number) => ({
    address: addressIn(nodeCIDR, i + 2),
    podCIDR: printCIDR(nthSubnet(podCIDR, podBits[podCIDR.address.family], i)!),
  });
  const { nodeCIDR, serviceCIDR } = first!;
  const gateway = addressIn(nodeCIDR, 1);
  return {
    index,
    gateway,
    ...(other ? { second: { gateway: addressIn(other.nodeCIDR, 1) } } : {}),
    netns,
    nodes: Array.from({ length: options.nodes }, (_, i) => ({
      name: `node-${i + 1}`,
      ...nodeIn(first!, i),
      ...(other ? { second: nodeIn(other, i) } : {}),
      ...(options.zones ? { zone: options.zones[i % options.zones.length]! } : {}),
    })),
    cluster: {
      name: options.name,
      domain: "cluster.local",
      ...printed(first!),
      ...(other ? { second: printed(other) } : {}),
      ...(options.allowExternalIPs ? { allowExternalIPs: true } : {}),
      nodePortRange: { from: 30000, to: 32767 },
      apiServiceAddress: addressIn(serviceCIDR, 1),
      dnsAddress: addressIn(serviceCIDR, Math.min(10, Number(sizeOf(serviceCIDR)) - 2)),
      apiServer: { host: gateway, port },
    },
  };
}
