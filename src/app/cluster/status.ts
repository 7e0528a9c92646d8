// `portolan status`: what runs, where it answers, and how it is.
import { readPlan } from "./configs.ts";
import { clusterPaths } from "./paths.ts";
import { apiUrl, type PlannedNode } from "./plan.ts";
import { ownProcesses } from "./processes.ts";
import { apiReady, dnsReady, type NodeHealth, nodeHealth } from "./ready.ts";

export interface ClusterStatus {
  name: string;
  /** "Running": all healthy. "Degraded": something runs. "Stopped": a plan without processes. "Absent": nothing. */
  state: "Running" | "Degraded" | "Stopped" | "Absent";
  apiServer: { url: string; healthy: boolean; reason: string };
  dns: { address: string; healthy: boolean; reason: string };
  nodes: (Omit<NodeHealth, "heartbeat"> & Omit<PlannedNode, "name">)[];
  serviceCIDR: string;
  /** Of the other family; dual-stack clusters only. */
  secondServiceCIDR?: string;
  kubeconfig: string;
  processes: { role: string; pid: number; rssBytes: number }[];
  /** Roles that should run and do not; `up` starts them. */
  missing: string[];
}

const outcome = (ask: Promise<string | undefined>): Promise<{ healthy: boolean; reason: string }> =>
  ask.then(
    (whyNot) => ({ healthy: whyNot === undefined, reason: whyNot ?? "" }),
    (error: Error) => ({ healthy: false, reason: error.message }),
  );

export async function clusterStatus(name: string): Promise<ClusterStatus> {
  const plan = readPlan(name);
  const processes = ownProcesses(name).map(({ role, pid, rss }) => ({ role, pid, rssBytes: rss }));
  if (!plan) {
    const none = { healthy: false, reason: "no such cluster" };
    return {
      name,
      state: processes.length > 0 ? "Degraded" : "Absent",
      apiServer: { url: "", ...none },
      dns: { address: "", ...none },
      nodes: [],
      serviceCIDR: "",
      kubeconfig: "",
      processes,
      missing: [],
    };
  }
  const { cluster } = plan;
  const [api, dns, nodes] = await Promise.all([
    outcome(apiReady(plan)),
    outcome(dnsReady(plan)),
    nodeHealth(plan).catch((e: Error) =>
      plan.nodes.map((n) => ({ name: n.name, ready: false, heartbeat: 0, reason: e.message })),
    ),
  ]);
  const missing = ["server", ...plan.nodes.flatMap((n) => [`${n.name}/containerd`, `${n.name}/node`])]
    .flatMap((role) => [role, `${role}/supervisor`])
    .filter((role) => !processes.some((p) => p.role === role));
  const healthy = api.healthy && dns.healthy && nodes.every((n) => n.ready) && missing.length === 0;
  return {
    name,
    state: healthy ? "Running" : processes.length > 0 ? "Degraded" : "Stopped",
    apiServer: { url: apiUrl(plan), ...api },
    dns: { address: cluster.dnsAddress, ...dns },
    nodes: nodes.map(({ name, ready, reason }, i) => {
      // The API server learns of a dead node late; here its processes can be seen.
      const gone = missing.find((role) => role === `${name}/node` || role === `${name}/containerd`);
      return {
        ...plan.nodes[i]!,
        name,
        ready: ready && !gone,
        reason: ready && gone ? `${gone} is not running` : reason,
      };
    }),
    serviceCIDR: cluster.serviceCIDR,
    ...(cluster.second ? { secondServiceCIDR: cluster.second.serviceCIDR } : {}),
    kubeconfig: clusterPaths(name).kubeconfig,
    processes: processes.sort((a, b) => a.role.localeCompare(b.role) || a.pid - b.pid),
    missing,
  };
}

const health = (h: { healthy: boolean; reason: string }): string =>
  h.healthy ? "healthy" : `not healthy: ${h.reason}`;

/** The status as text for people. */
export function printStatus(s: ClusterStatus): string {
  if (s.state === "Absent")
    return `There is no cluster "${s.name}". Start it: portolan up${s.name === "portolan" ? "" : ` --name ${s.name}`}`;
  const both = (first: string, second: string | undefined): string =>
    second === undefined ? first : `${first}, ${second}`;
  const width = Math.max(...s.processes.map((p) => p.role.length), 0) + 2;
  const rows = [
    `${s.name}: ${s.state}`,
    `  API server   ${s.apiServer.url}   ${health(s.apiServer)}`,
    `  DNS          ${s.dns.address}   ${health(s.dns)}`,
    `  Services     ${both(s.serviceCIDR, s.secondServiceCIDR)}`,
    `  kubeconfig   ${s.kubeconfig}`,
    ...s.nodes.map(
      (n) =>
        `  ${n.name.padEnd(12)} ${both(n.address, n.second?.address)}   pods ${both(n.podCIDR, n.second?.podCIDR)}   ${n.ready ? "Ready" : `NotReady: ${n.reason}`}`,
    ),
    ...(s.missing.length > 0
      ? [`  Missing      ${s.missing.join(", ")}; start them: portolan up --name ${s.name}`]
      : []),
    "  Processes",
    ...s.processes.map(
      (p) =>
        `    ${p.role.padEnd(width)} pid ${String(p.pid).padEnd(8)} ${(p.rssBytes / 2 ** 20).toFixed(0)} MiB`,
    ),
  ];
  return rows.join("\n");
}
