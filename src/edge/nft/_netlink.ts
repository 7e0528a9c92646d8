// Netlink messages to netfilter, for what nft(8) and conntrack(8) do not offer: Node has no netlink sockets, perl, which every
// Debian has, carries the bytes in a few milliseconds (linux/netlink.h, nfnetlink.h, RFC 3549).
import { run } from "../command/mod.ts";

/** Sends each line's bytes (in hex) and prints what comes back for it, in hex; with an argument at once, else when it likes. */
const carrier = `
$| = @ARGV;
socket(my $s, 16, 3, 12) || die "netlink: $!\\n";
while (<STDIN>) {
  chomp;
  send($s, pack("H*", $_), 0, pack("SSLL", 16, 0, 0, 0)) || die "netlink: $!\\n";
  defined recv($s, my $r, 65536, 0) || die "netlink: $!\\n";
  print unpack("H*", $r), "\\n";
}`;

export const carrierCommand = ["perl", "-e", carrier] as const;

/** One answer for each message, in order. Each message must be of a kind that is answered once: ask for an acknowledgement. */
export async function exchange(
  prefix: readonly string[],
  messages: Iterable<Buffer>,
  timeoutMs = 10_000,
): Promise<Buffer[]> {
  const [file = "", ...args] = [...prefix, ...carrierCommand];
  function* lines(): Generator<string> {
    for (const m of messages) yield `${m.toString("hex")}\n`;
  }
  const text = await run(file, args, { timeoutMs, input: lines(), maxOutput: 256 << 20 });
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => Buffer.from(line, "hex"));
}

/** Host byte order: everything that Node runs on here is little-endian. */
function header(length: number, type: number, flags: number, family: number): Buffer {
  const b = Buffer.alloc(20);
  b.writeUInt32LE(length, 0);
  b.writeUInt16LE(type, 4);
  b.writeUInt16LE(flags, 6);
  b.writeUInt8(family, 16);
  return b;
}

/** @param type subsystem << 8 | message */
export function message(type: number, flags: number, family: number, attributes: Buffer): Buffer {
  return Buffer.concat([header(20 + attributes.length, type, flags, family), attributes]);
}

const nestedFlag = 0x8000;

export function attribute(type: number, value: Buffer): Buffer {
  const b = Buffer.alloc((4 + value.length + 3) & ~3);
  b.writeUInt16LE(4 + value.length, 0);
  b.writeUInt16LE(type, 2);
  value.copy(b, 4);
  return b;
}

export const nested = (type: number, ...inside: Buffer[]): Buffer =>
  attribute(type | nestedFlag, Buffer.concat(inside));

export const messageFlags = { request: 1, acknowledge: 4 } as const;

/** An acknowledgement's error number, 0 for success; undefined for another message. */
export function errorOf(answer: Buffer): number | undefined {
  return answer.length >= 20 && answer.readUInt16LE(4) === 2 ? -answer.readInt32LE(16) : undefined;
}
