// Runs conntrack(8): lists UDP flows, removes single ones.
import { spawn } from "node:child_process";
import type { Conntrack, UdpFlow } from "../../agents/proxy/mod.ts";
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
  };
}

function run(options: NftOptions, args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const { prefix = [], timeoutMs = 30_000 } = options;
  const [file, ...rest] = [...prefix, "conntrack", ...args] as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let err = "";
    let tail = "";
    child.stdout.setEncoding("utf8").on("data", (d: string) => {
      const lines = (tail + d).split("\n");
      tail = lines.pop()!;
      for (const l of lines) onLine(l);
    });
    child.stderr.setEncoding("utf8").on("data", (d: string) => {
      if (err.length < 65_536) err += d;
    });
    child.on("error", (e) => {
      clearTimeout(timer);
      reject(new Error(`conntrack: ${e.message}`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      // Exit 1 with "0 flow entries": there was nothing to list or the flow had gone already.
      if (code === 0 || /\b0 flow entries/.test(err)) resolve();
      else reject(new Error(`conntrack ${args.join(" ")}: ${err.trim()}`));
    });
  });
}

/** Connection tracking of this process's network namespace (or of another one, through `prefix`). */
export function createConntrack(options: NftOptions = {}): Conntrack {
  const familyName = { ip: "ipv4", ip6: "ipv6" } as const;
  return {
    async udpFlows(family) {
      const flows: UdpFlow[] = [];
      await run(options, ["-L", "-f", familyName[family], "-p", "udp"], (line) => {
        const flow = parseFlow(line);
        if (flow) flows.push(flow);
      });
      return flows;
    },
    async remove(family, flows) {
      // What dials the same and is answered by the same goes in one call, however many clients there are.
      const groups = new Map(
        flows.map((f) => [`${f.destination} ${f.destinationPort} ${f.replySource} ${f.replySourcePort}`, f]),
      );
      for (const f of groups.values())
        await run(
          options,
          [
            "-D",
            "-f",
            familyName[family],
            "-p",
            "udp",
            "-d",
            f.destination,
            "--dport",
            `${f.destinationPort}`,
          ].concat(["-r", f.replySource, "--reply-port-src", `${f.replySourcePort}`]),
          () => {},
        );
    },
  };
}
