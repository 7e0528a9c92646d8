import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Node, Service } from "../../../core/api/types.ts";
import { decideRoutes, excluded } from "./decide.ts";
import type { HostRoute } from "./ports.ts";

const serviceCIDR = "10.96.0.0/16";
const loadBalancerCIDR = "172.30.200.0/24";
const address = (n: string): string => `172.30.0.${Number(n.slice(1)) + 1}`;
/** Routes by one node, or by several: "n1+n2". */
const via = (n: string, ...to: string[]): HostRoute[] =>
  to.map((t) => ({ to: t, via: n.split("+").map(address) }));

function node(text: string): Node {
  const [name = "", state = "True"] = text.split(":");
  return {
    metadata: { name, ...(state === "excluded" ? { labels: { [excluded]: "" } } : {}) },
    status: {
      addresses: [{ type: "InternalIP", address: address(name) }],
      conditions: [{ type: "Ready", status: state === "excluded" ? "True" : state }],
    },
  };
}

const local = (ip: string, affinity = false): Service => ({
  metadata: { name: "web", namespace: "default" },
  spec: {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    sessionAffinity: affinity ? "ClientIP" : "None",
  },
  status: { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } },
});

/** `n1`: ready there; `n1:terminating`, `n1:not-ready`. */
function slice(...texts: string[]): EndpointSlice {
  const endpoints = texts.map((text) => {
    const [nodeName = "", state = "ready"] = text.split(":");
    const terminating = state === "terminating";
    return {
      addresses: ["10.244.0.2"],
      nodeName,
      conditions: { ready: state === "ready", serving: state !== "not-ready", terminating },
    };
  });
  return { metadata: { name: "s" }, addressType: "IPv4", endpoints };
}

const ranges = [serviceCIDR, loadBalancerCIDR];
const web = "172.30.200.5/32";
const rows: {
  name: string;
  nodes: string[];
  local?: string[];
  now: HostRoute[];
  set?: HostRoute[];
  remove?: HostRoute[];
  gone?: string[];
  mute?: string[];
  affinity?: boolean;
}[] = [
  { name: "all is right", nodes: ["n1", "n2"], now: via("n1", ...ranges) },
  { name: "routes are missing", nodes: ["n1"], now: [], set: via("n1", ...ranges) },
  {
    name: "the node died",
    nodes: ["n1:Unknown", "n2"],
    now: via("n1", ...ranges),
    set: via("n2", ...ranges),
  },
  { name: "the node came back", nodes: ["n1", "n2"], now: via("n2", ...ranges) },
  {
    name: "the node is excluded",
    nodes: ["n1:excluded", "n2"],
    now: via("n1", ...ranges),
    set: via("n2", ...ranges),
  },
  {
    name: "a ServiceCIDR is gone",
    nodes: ["n1"],
    now: via("n1", ...ranges, "203.0.113.0/24"),
    gone: ["203.0.113.0/24"],
    remove: via("n1", "203.0.113.0/24"),
  },
  { name: "no node is known to live", nodes: ["n1:Unknown", "n2:False"], now: via("n1", ...ranges, web) },
  {
    name: "Local, endpoint where the range is",
    nodes: ["n1", "n2"],
    local: ["n1"],
    now: via("n1", ...ranges),
  },
  {
    name: "Local, only a terminating one here, a ready one elsewhere",
    nodes: ["n1", "n2"],
    local: ["n1:terminating", "n2"],
    now: via("n1", ...ranges),
    set: via("n2", web),
  },
  {
    name: "Local, terminating ones alone",
    nodes: ["n1", "n2"],
    local: ["n1:terminating", "n2:not-ready"],
    now: via("n1", ...ranges),
  },
  {
    name: "Local, endpoint elsewhere",
    nodes: ["n1", "n2"],
    local: ["n2"],
    now: via("n1", ...ranges),
    set: via("n2", web),
  },
  {
    name: "the node is ready, it says, and does not answer",
    nodes: ["n1", "n2"],
    mute: ["n1"],
    now: via("n1", ...ranges),
    set: via("n2", ...ranges),
  },
  { name: "no node answers", nodes: ["n1", "n2"], mute: ["n1", "n2"], now: via("n1", ...ranges) },
  {
    name: "Local, endpoints on three nodes",
    nodes: ["n1", "n2", "n3"],
    local: ["n1", "n2", "n3"],
    now: [...via("n1", ...ranges), ...via("n3", web)],
    set: via("n1+n2+n3", web),
  },
  {
    name: "Local, shared by two already",
    nodes: ["n1", "n2", "n3"],
    local: ["n3", "n1", "n3"],
    now: [...via("n1", ...ranges), ...via("n1+n3", web)],
  },
  {
    name: "Local, one of two does not answer",
    nodes: ["n1", "n2", "n3"],
    local: ["n2", "n3"],
    mute: ["n3"],
    now: [...via("n1", ...ranges), ...via("n2+n3", web)],
    set: via("n2", web),
  },
  {
    name: "Local, one of two is left, where the range is",
    nodes: ["n1", "n2"],
    local: ["n1", "n2:terminating"],
    now: [...via("n1", ...ranges), ...via("n1+n2", web)],
    remove: via("n1+n2", web),
  },
  {
    name: "Local, its node died",
    nodes: ["n1", "n2", "n3:Unknown"],
    local: ["n2", "n3"],
    now: [...via("n1", ...ranges), ...via("n3", web)],
    set: via("n2", web),
  },
  {
    name: "Local with affinity: where the range is",
    nodes: ["n1", "n2"],
    local: ["n1", "n2"],
    affinity: true,
    now: via("n1", ...ranges),
  },
  {
    name: "Local with affinity: a good node stays",
    nodes: ["n1", "n2", "n3"],
    local: ["n1", "n2", "n3"],
    affinity: true,
    now: [...via("n1", ...ranges), ...via("n3", web)],
  },
  {
    name: "Local with affinity from now on",
    nodes: ["n1", "n2", "n3"],
    local: ["n2", "n3"],
    affinity: true,
    now: [...via("n1", ...ranges), ...via("n2+n3", web)],
    set: via("n2", web),
  },
  {
    name: "Local with affinity: the node has none any more",
    nodes: ["n1", "n2", "n3"],
    local: ["n2"],
    affinity: true,
    now: [...via("n1", ...ranges), ...via("n3", web)],
    set: via("n2", web),
  },
  {
    name: "Local, only a terminating endpoint",
    nodes: ["n1", "n2"],
    local: ["n2:terminating", "n1:not-ready"],
    now: via("n1", ...ranges),
    set: via("n2", web),
  },
  {
    name: "Local, no endpoint any more",
    nodes: ["n1", "n2"],
    local: [],
    now: [...via("n1", ...ranges), ...via("n2", web)],
    remove: via("n2", web),
  },
  {
    name: "the load balancer is gone; pods' routes are nobody's business here",
    nodes: ["n1", "n2"],
    now: [...via("n1", ...ranges), ...via("n2", web, "10.244.1.0/24", "10.9.9.9/32")],
    remove: via("n2", web),
  },
];
for (const row of rows)
  test(row.name, () => {
    const change = decideRoutes({
      ranges,
      gone: row.gone ?? [],
      pools: [loadBalancerCIDR],
      services: row.local ? [local("172.30.200.5", row.affinity)] : [],
      slicesOf: () => [slice(...(row.local ?? []))],
      nodes: row.nodes.map(node),
      mute: new Set((row.mute ?? []).map(address)),
      now: row.now,
    });
    const set = change.set.map(({ to, via }) => ({ to, via }));
    for (const r of change.set) assert.deepEqual(r.was, row.now.find((n) => n.to === r.to)?.via);
    assert.deepEqual({ ...change, set }, { set: row.set ?? [], remove: row.remove ?? [] });
  });

test("each family's routes lead to the nodes' addresses of that family", () => {
  const dual = (name: string, ready: string): Node => {
    const four = node(`${name}:${ready}`);
    const six = { type: "InternalIP", address: `fd00:172:30::${Number(name.slice(1)) + 1}` };
    return { ...four, status: { ...four.status, addresses: [...four.status!.addresses!, six] } };
  };
  const web6: Service = local("fd00:172:30:200::5");
  const here: EndpointSlice = { ...slice("n3"), addressType: "IPv6" };
  const change = decideRoutes({
    ranges: [serviceCIDR, "fd00:10:96::/112", loadBalancerCIDR, "fd00:172:30:200::/112"],
    gone: [],
    pools: [loadBalancerCIDR, "fd00:172:30:200::/112"],
    services: [web6],
    // The IPv4 endpoints of n2 say nothing of IPv6.
    slicesOf: () => [slice("n2"), here],
    nodes: [dual("n1", "Unknown"), dual("n2", "True"), dual("n3", "True")],
    mute: new Set(),
    now: [...via("n1", ...ranges), { to: "fd00:172:30:200::7/128", via: ["fd00:172:30::3"] }],
  });
  assert.deepEqual(
    change.set.map(({ to, via }) => `${to} ${via}`),
    [
      "10.96.0.0/16 172.30.0.3",
      "172.30.200.0/24 172.30.0.3",
      "fd00:10:96::/112 fd00:172:30::3",
      "fd00:172:30:200::/112 fd00:172:30::3",
      "fd00:172:30:200::5/128 fd00:172:30::4",
    ],
  );
  assert.deepEqual(
    change.remove.map((r) => r.to),
    ["fd00:172:30:200::7/128"],
  );
});
