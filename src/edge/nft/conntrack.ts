// Runs conntrack(8): lists UDP flows, removes single ones.
import type { Conntrack, UdpFlow } from "../../agents/proxy/mod.ts";
import { CommandError, run } from "../command/mod.ts";
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

const filters = [
  ["-d", "destination"],
  ["--dport", "destinationPort"],
  ["-r", "replySource"],
  ["--reply-port-src", "replySourcePort"],
] as const;

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
    async remove(family, patterns) {
      for (const p of patterns) {
        const filter = filters.flatMap(([option, part]) =>
          p[part] === undefined ? [] : [option, `${p[part]}`],
        );
        // Without a filter it would be every flow.
        if (filter.length === 0) continue;
        await runConntrack(options, ["-D", "-f", familyName[family], "-p", "udp", ...filter], () => {});
      }
    },
  };
}
