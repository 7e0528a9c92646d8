// Connection tracking: conntrack(8) lists UDP flows, a netlink message removes each that shall go.
import type { Conntrack, UdpFlow } from "../../agents/proxy/mod.ts";
import { CommandError, run } from "../command/mod.ts";
import { deleteFlows } from "./_delete-flows.ts";
import type { NftOptions } from "./nft-tables.ts";

/** One line of `conntrack -L -p udp`; undefined when it is no UDP flow. The first tuple is the original direction. */
export function parseFlow(line: string): UdpFlow | undefined {
  if (!line.startsWith("udp")) return undefined;
  const m = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/.exec(
    line,
  );
  if (!m) return undefined;
  return {
    source: m[1]!,
    destination: m[2]!,
    sourcePort: Number(m[3]),
    destinationPort: Number(m[4]),
    replySource: m[5]!,
    replySourcePort: Number(m[7]),
    mark: Number(/ mark=(\d+)/.exec(line)?.[1] ?? 0),
  };
}

async function runConntrack(
  options: NftOptions,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  const { prefix = [], timeoutMs = 30_000 } = options;
  const [file, ...rest] = [...prefix, "conntrack", ...args] as [string, ...string[]];
  try {
    await run(file, rest, { timeoutMs, onLine });
  } catch (error) {
    // Exit code 1 with these words: there was nothing to list, or the flow had gone already.
    if (!(error instanceof CommandError && /\b0 flow entries/.test(error.stderr))) throw error;
  }
}

/** Connection tracking of this process's network namespace (or of another one, through `prefix`). */
export function createConntrack(options: NftOptions = {}): Conntrack {
  const familyName = { ip: "ipv4", ip6: "ipv6" } as const;
  return {
    async udpFlows(family) {
      const flows: UdpFlow[] = [];
      await runConntrack(options, ["-L", "-f", familyName[family], "-p", "udp"], (line) => {
        const flow = parseFlow(line);
        if (flow) flows.push(flow);
      });
      return flows;
    },
    remove: (family, flows) => deleteFlows(options.prefix ?? [], family, flows),
  };
}
