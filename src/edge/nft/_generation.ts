// The generation of this network namespace's ruleset: the kernel counts one up with every transaction, whoever runs it
// (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN). nft(8) asks for it but does not say it, and Node has no netlink sockets:
// perl, which every Debian has, asks in a few milliseconds.
import { run } from "../command/mod.ts";

const program = `
socket(my $s, 16, 3, 12) || die "netlink: $!\\n";
send($s, pack("LSSLLCCn", 20, 2576, 1, 1, 0, 0, 0, 0), 0, pack("SSLL", 16, 0, 0, 0)) || die "netlink: $!\\n";
recv($s, my $r, 65536, 0);
die "netlink: no generation\\n" if (unpack("LSSLL", $r))[1] != 2575;
for (my $o = 20; $o + 8 <= length $r;) {
  my ($l, $a) = unpack("SS", substr($r, $o));
  print unpack("N", substr($r, $o + 4)), "\\n" if ($a & 0x3fff) == 1;
  $o += ($l + 3) & ~3;
}`;

/** Rejects where it cannot be told. */
export async function readGeneration(prefix: readonly string[]): Promise<number> {
  const [file = "", ...args] = [...prefix, "perl", "-e", program];
  const text = await run(file, args, { timeoutMs: 5000 });
  if (!/^\d+\n$/.test(text)) throw new Error(`perl said ${JSON.stringify(text)} instead of a generation`);
  return Number(text);
}
