// Removes tracked UDP flows one by one: conntrack(8) walks over all flows for each it removes, the kernel finds a flow by what
// its first packet said (linux/netfilter/nfnetlink_conntrack.h).
import type { UdpFlow } from "../../agents/proxy/mod.ts";
import { mustParseIP } from "../../core/net/mod.ts";
import { attribute, errorOf, exchange, message, messageFlags, nested } from "./_netlink.ts";

const deleteFlow = (1 << 8) | 2;
const udp = 17;
const noSuchFlow = 2;
const families = { ip: 2, ip6: 10 } as const;

function bytes(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}

/** The request that removes the flow with this original direction, and no other. */
export function deletion(flow: UdpFlow, family: "ip" | "ip6"): Buffer {
  const length = family === "ip" ? 4 : 16;
  const [source, destination] = family === "ip" ? [1, 2] : [3, 4];
  const address = (type: number, text: string): Buffer =>
    attribute(type, bytes(BigInt(mustParseIP(text).value), length));
  const original = nested(
    1,
    nested(1, address(source!, flow.source), address(destination!, flow.destination)),
    nested(
      2,
      attribute(1, Buffer.from([udp])),
      attribute(2, bytes(BigInt(flow.sourcePort), 2)),
      attribute(3, bytes(BigInt(flow.destinationPort), 2)),
    ),
  );
  return message(deleteFlow, messageFlags.request | messageFlags.acknowledge, families[family], original);
}

/** Flows that have gone meanwhile are none to complain about. */
export async function deleteFlows(
  prefix: readonly string[],
  family: "ip" | "ip6",
  flows: readonly UdpFlow[],
): Promise<void> {
  function* requests(): Generator<Buffer> {
    for (const f of flows) yield deletion(f, family);
  }
  for (const answer of await exchange(prefix, requests(), 30_000)) {
    const error = errorOf(answer);
    if (error === 0 || error === noSuchFlow) continue;
    throw new Error(`a flow could not be removed: error ${error}`);
  }
}
