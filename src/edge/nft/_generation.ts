// The generation of this network namespace's ruleset: the kernel counts one up with every transaction, whoever runs it
// (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN). nft(8) asks for it but does not say it.
import type { HeldNetlink } from "./_held-netlink.ts";
import { message, messageFlags } from "./_netlink.ts";

const getGeneration = (10 << 8) | 16;
const newGeneration = (10 << 8) | 15;
const generationId = 1;

/** Rejects where it cannot be told. */
export async function readGeneration(netlink: HeldNetlink): Promise<number> {
  const answer = await netlink.ask(message(getGeneration, messageFlags.request, 0, Buffer.alloc(0)));
  if (answer.length >= 20 && answer.readUInt16LE(4) === newGeneration)
    for (let at = 20; at + 8 <= answer.length; at += (answer.readUInt16LE(at) + 3) & ~3) {
      if (answer.readUInt16LE(at) < 4) break;
      if ((answer.readUInt16LE(at + 2) & 0x3fff) === generationId) return answer.readUInt32BE(at + 4);
    }
  throw new Error("the kernel did not tell the ruleset's generation");
}
