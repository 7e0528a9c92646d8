// SCTP where the kernel has no SCTP sockets: perl (Node has no raw sockets) speaks the first two packets of an association,
// INIT and INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3), over raw IP, checksums included, or conntrack would not translate
// them. The answer's state cookie carries the endpoint's name and the client's address as it saw it.
import { spawn } from "node:child_process";
import { runCommand } from "../support/cluster.ts";
import { type Answer, inPlace, type Place } from "./lab.ts";

const program = `
use strict; use Socket;
my @table = map { my $c = $_; $c = $c & 1 ? ($c >> 1) ^ 0x82F63B78 : $c >> 1 for 1 .. 8; $c } 0 .. 255;
sub checked {
  my $c = 0xffffffff;
  $c = ($c >> 8) ^ $table[($c ^ $_) & 255] for unpack("C*", $_[0]);
  substr(my $p = $_[0], 8, 4) = pack("V", $c ^ 0xffffffff);
  return $p;
}
sub packet { my ($sport, $dport, $vtag, $chunk) = @_; return checked(pack("nnNN", $sport, $dport, $vtag, 0) . $chunk); }
socket(my $sctp, PF_INET, SOCK_RAW, 132) || die "raw socket: $!";
my ($mode, @args) = @ARGV;
$| = 1;
if ($mode eq "serve") {
  my ($name) = @args;
  print "ready\\n";
  while (recv($sctp, my $ip, 65536, 0)) {
    my $from = inet_ntoa(substr($ip, 12, 4));
    my $p = substr($ip, (ord($ip) & 15) * 4);
    my ($sport, $dport, $vtag, $sum, $type, $flags, $length, $tag) = unpack("nnNNCCnN", $p);
    next if $type != 1;
    my $cookie = "$name $from $dport";
    my $padding = "\\0" x (-length($cookie) & 3);
    my $ack = pack("CCnNNnnN", 2, 0, 24 + length($cookie), 7, 65536, 1, 1, 1) . pack("nn", 7, 4 + length $cookie) . "$cookie$padding";
    send($sctp, packet($dport, $sport, $tag, $ack), 0, pack_sockaddr_in(0, inet_aton($from)));
  }
}
my ($to, $port, $own, $limit) = @args;
socket(my $icmp, PF_INET, SOCK_RAW, 1) || die "raw socket: $!";
send($sctp, packet($own, $port, 0, pack("CCnNNnnN", 1, 0, 20, 42, 65536, 1, 1, 1)), 0, pack_sockaddr_in(0, inet_aton($to))) || $! == 1 || die "send: $!"; # EPERM: refused here; the words follow
my $end = time + $limit;
while ((my $left = $end - time) > 0) {
  my $bits = "";
  vec($bits, fileno($_), 1) = 1 for $sctp, $icmp;
  next unless select(my $out = $bits, undef, undef, $left) > 0;
  if (vec($out, fileno($sctp), 1)) {
    recv($sctp, my $ip, 65536, 0);
    my $p = substr($ip, (ord($ip) & 15) * 4);
    my ($sport, $dport) = unpack("nn", $p);
    next if inet_ntoa(substr($ip, 12, 4)) ne $to || $sport != $port || $dport != $own || ord(substr($p, 12)) != 2;
    my $length = unpack("n", substr($p, 34, 2)) - 4;
    print substr($p, 36, $length), "\\n";
    exit;
  }
  recv($icmp, my $ip, 65536, 0);
  my $p = substr($ip, (ord($ip) & 15) * 4);
  my ($type, $code) = unpack("CC", $p);
  my $inner = substr($p, 8);
  next if $type != 3 || ord(substr($inner, 9)) != 132 || inet_ntoa(substr($inner, 16, 4)) ne $to;
  next if unpack("n", substr($inner, (ord($inner) & 15) * 4 + 2)) != $port;
  print "unreachable $code\\n";
  exit;
}
print "timeout\\n";
`;

/** Answers every INIT that comes to that place, on any port, until closed. */
export async function serveSctp(place: Place): Promise<{ close(): void }> {
  const [file = "", ...args] = [...inPlace(place), "perl", "-e", program, "serve", place.name];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("exit", (code) => reject(new Error(`the SCTP server ended (${code})`)));
  });
  child.removeAllListeners("exit");
  return { close: () => void child.kill("SIGKILL") };
}

let lastPort = 20_000;

/** Sends an INIT: who acknowledged it and what client it saw, ECONNREFUSED for "port unreachable", or timeout. */
export async function dialSctp(
  from: Place,
  address: string,
  port: number,
): Promise<Answer & { port?: number }> {
  const prefix = from.netns === "" ? [] : inPlace(from);
  const [file = "", ...args] = [...prefix, "perl", "-e", program, "dial", address, `${port}`];
  const { stdout, stderr } = await runCommand(file, [...args, `${++lastPort}`, "2"]);
  const [word = "", second = "", third = ""] = stdout.trim().split(" ");
  if (word === "") throw new Error(stderr);
  if (word === "timeout") return { error: "timeout" };
  if (word === "unreachable")
    return { error: second === "3" ? "ECONNREFUSED" : `unreachable, code ${second}` };
  return { name: word, client: second, port: Number(third) };
}
