// A cluster's wiring without a cluster: a "host" with a bridge, nodes with pods, each a network namespace without uplink.
// Run inside a network namespace of its own (scripts/test.mjs does that).
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { run } from "../../src/edge/command/mod.ts";
import { ipBatch, ipJson, setSysctls } from "../../src/edge/netns/mod.ts";

export interface Answer {
  name?: string;
  client?: string;
  clientPort?: number;
  error?: string;
}

export interface DialOptions {
  proto?: "tcp" | "udp";
  from?: string;
  fromPort?: number;
  timeoutMs?: number;
}

/** A process in a namespace that serves and dials. */
export interface Place {
  readonly name: string;
  readonly netns: string;
  /** Its IPv4 address. */
  readonly address: string;
  readonly address6: string;
  dial(address: string, port: number, options?: DialOptions): Promise<Answer>;
  /** Opens a TCP connection that stays; `ask` sends over it. */
  hold(address: string, port: number): Promise<{ first: Answer; ask(): Promise<Answer> }>;
}

export interface Lab {
  /** The outer namespace's address on the bridge. */
  readonly hostAddress: string;
  host: Place;
  node: Place[];
  /** By name, e.g. "a0": pod a of node 0. */
  pod: Record<string, Place>;
  close(): Promise<void>;
}

export const ports = [80, 81, 8080];
export const nodeAddress = (i: number): string => `172.30.0.${11 + i}`;
export const podCIDR = (i: number): string => `10.244.${i}.0/24`;
export const nodeAddress6 = (i: number): string => `fd00:30::${11 + i}`;
export const podCIDR6 = (i: number): string => `fd00:244:0:${i + 1}::/64`;
const podAddress6 = (i: number, k: number): string => `fd00:244:0:${i + 1}::${k + 1}`;

/** As the launcher sets them; but every refusal is sent, however many a second the tests ask for. */
const nodeSysctls = {
  "net/ipv4/icmp_ratelimit": "0",
  "net/ipv4/icmp_msgs_per_sec": "100000",
  "net/ipv4/icmp_msgs_burst": "10000",
  "net/ipv4/ip_forward": "1",
  "net/ipv6/conf/all/forwarding": "1",
  "net/ipv4/conf/all/send_redirects": "0",
  "net/ipv4/conf/default/send_redirects": "0",
  "net/ipv6/icmp/ratelimit": "0",
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/default/rp_filter": "0",
  "net/ipv4/conf/all/route_localnet": "1",
};

async function openPlace(
  name: string,
  netns: string,
  address: string,
  address6: string,
): Promise<Place & { child: ChildProcess }> {
  const agent = fileURLToPath(new URL("./agent.js", import.meta.url));
  const command = [process.execPath, agent, name, ports.join(","), `${address},${address6}`];
  const child =
    netns === ""
      ? spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "inherit"] })
      : spawn("nsenter", [`--net=/run/netns/${netns}`, ...command], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, (a: Answer) => void>();
  let next = 1;
  const ready = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`agent ${name} ended (${code})`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const { id, ready, ...answer } = JSON.parse(line);
      if (ready) resolve();
      else waiting.get(id)?.(answer);
      waiting.delete(id);
    });
  });
  ready.catch(() => {});
  await ready;
  function ask(command: object): Promise<Answer> {
    const id = next++;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      child.stdin!.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }
  return {
    name,
    netns,
    address,
    address6,
    child,
    dial: (to, port, options = {}) => ask({ proto: "tcp", ...options, address: to, port }),
    async hold(to, port) {
      const id = next;
      const first = await ask({ hold: true, address: to, port });
      return { first, ask: () => ask({ ask: id }) };
    },
  };
}

/** Namespaces of labs whose process was killed. */
async function removeAbandoned(): Promise<void> {
  for (const ns of existsSync("/run/netns") ? readdirSync("/run/netns") : []) {
    const pid = /^pl(\d+)-/.exec(ns)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) await run("ip", ["netns", "del", ns]).catch(() => {});
  }
}

/** Builds `pods.length` nodes; node i has the pods named in pods[i] (addresses 10.244.i.2 on). */
export async function openLab(pods: readonly (readonly string[])[]): Promise<Lab> {
  const uplinks = await ipJson<unknown[]>(["route", "show", "default"]);
  if (uplinks.length > 0)
    throw new Error("the lab sends packets: run it in a network namespace of its own (npm test does)");
  const prefix = `pl${process.pid}`;
  await removeAbandoned();
  const hostAddress = "172.30.0.1";
  const hostAddress6 = "fd00:30::1";
  const names: string[] = [];
  const places: (Place & { child: ChildProcess })[] = [];
  const add = async (ns: string): Promise<void> => {
    names.push(ns);
    await run("ip", ["netns", "add", ns]);
    // No waiting for duplicate addresses: link-local ones would keep the first packets back for seconds.
    await setSysctls(ns, { "net/ipv6/conf/all/accept_dad": "0", "net/ipv6/conf/default/accept_dad": "0" });
  };
  async function close(): Promise<void> {
    for (const p of places) {
      p.child.removeAllListeners("exit");
      p.child.kill("SIGKILL");
    }
    for (const ns of names) await run("ip", ["netns", "del", ns]).catch(() => {});
    await run("ip", ["link", "del", "br-lab"]).catch(() => {});
  }
  try {
    await ipBatch([
      "link add br-lab type bridge",
      "link set br-lab up",
      `address add ${hostAddress}/24 dev br-lab`,
      `address add ${hostAddress6}/64 dev br-lab nodad`,
    ]);
    await run("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
    for (const [i, own] of pods.entries()) {
      const ns = `${prefix}-n${i}`;
      await add(ns);
      await ipBatch([
        `link add v${i} type veth peer name eth0 netns ${ns}`,
        `link set v${i} master br-lab up`,
        `route add ${podCIDR(i)} via ${nodeAddress(i)}`,
        `route add ${podCIDR6(i)} via ${nodeAddress6(i)}`,
      ]);
      const routes = pods.flatMap((_, j) =>
        j === i
          ? []
          : [
              `route add ${podCIDR(j)} via ${nodeAddress(j)}`,
              `route add ${podCIDR6(j)} via ${nodeAddress6(j)}`,
            ],
      );
      await setSysctls(ns, nodeSysctls);
      await ipBatch(
        [
          "link set lo up",
          "link set eth0 up",
          `address add ${nodeAddress(i)}/24 dev eth0`,
          `address add ${nodeAddress6(i)}/64 dev eth0 nodad`,
          `route add default via ${hostAddress}`,
          `route add default via ${hostAddress6}`,
          ...routes,
        ],
        ns,
      );
      for (const [k, pod] of own.entries()) {
        const podNs = `${prefix}-${pod}`;
        const address = `10.244.${i}.${k + 2}`;
        await add(podNs);
        await ipBatch(
          [
            `link add p${k} type veth peer name eth0 netns ${podNs}`,
            `link set p${k} up`,
            `address add 10.244.${i}.1/32 dev p${k}`,
            `route add ${address}/32 dev p${k} src 10.244.${i}.1`,
            `address add ${podAddress6(i, 0)}/128 dev p${k} nodad`,
            `route add ${podAddress6(i, k + 1)}/128 dev p${k}`,
          ],
          ns,
        );
        await ipBatch(
          [
            "link set lo up",
            "link set eth0 up",
            `address add ${address}/32 dev eth0`,
            `route add 10.244.${i}.1 dev eth0 scope link`,
            `route add default via 10.244.${i}.1`,
            `address add ${podAddress6(i, k + 1)}/128 dev eth0 nodad`,
            `route add ${podAddress6(i, 0)} dev eth0`,
            `route add default via ${podAddress6(i, 0)} dev eth0`,
          ],
          podNs,
        );
      }
    }
    await ipBatch([
      `route add 10.96.0.0/16 via ${nodeAddress(0)}`,
      `route add 172.30.200.0/24 via ${nodeAddress(0)}`,
      `route add fd00:96::/112 via ${nodeAddress6(0)}`,
      `route add fd00:200::/112 via ${nodeAddress6(0)}`,
    ]);
    const list = await Promise.all([
      openPlace("host", "", hostAddress, hostAddress6),
      ...pods.map((_, i) => openPlace(`n${i}`, `${prefix}-n${i}`, nodeAddress(i), nodeAddress6(i))),
      ...pods.flatMap((own, i) =>
        own.map((pod, k) =>
          openPlace(pod, `${prefix}-${pod}`, `10.244.${i}.${k + 2}`, podAddress6(i, k + 1)),
        ),
      ),
    ]);
    places.push(...list);
    return {
      hostAddress,
      host: list[0]!,
      node: list.slice(1, 1 + pods.length),
      pod: Object.fromEntries(list.slice(1 + pods.length).map((p) => [p.name, p])),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Prefix that runs a command in a place's namespace. */
export const inPlace = (p: Place): string[] => ["nsenter", `--net=/run/netns/${p.netns}`, "--"];
