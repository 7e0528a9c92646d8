import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  contains,
  joinHostPort,
  masked,
  mustParseCIDR,
  mustParseIP,
  nthAddress,
  nthSubnet,
  offsetIn,
  overlaps,
  parseCIDR,
  parseIP,
  printCIDR,
  printIP,
  reverseName,
  scopeOf,
  sizeOf,
} from "./mod.ts";

const accepted: [name: string, text: string, canonical: string][] = [
  ["IPv4", "10.96.0.10", "10.96.0.10"],
  ["IPv4 zero", "0.0.0.0", "0.0.0.0"],
  ["IPv4 broadcast", "255.255.255.255", "255.255.255.255"],
  ["unspecified", "::", "::"],
  ["loopback", "::1", "::1"],
  ["trailing run", "1::", "1::"],
  ["upper case", "2001:DB8::FFFF", "2001:db8::ffff"],
  ["leading zeros in a group", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["first of equal runs", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["longest run", "1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["a single zero group stays", "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["an ellipsis for a single group", "1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
  ["IPv4 tail", "64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ["IPv4-mapped", "::ffff:a00:1", "::ffff:10.0.0.1"],
];
for (const [name, text, canonical] of accepted)
  test(`parseIP takes ${name}`, () => assert.equal(printIP(mustParseIP(text)), canonical));

const refused: [name: string, text: string][] = [
  ["nothing", ""],
  ["leading zero", "010.1.1.1"],
  ["double zero", "10.00.1.1"],
  ["empty octet", "1..2.3"],
  ["hex", "0x10.1.1.1"],
  ["three octets", "10.1.1"],
  ["five octets", "1.1.1.1.1"],
  ["octet too large", "10.1.1.256"],
  ["space before", " 1.1.1.1"],
  ["newline after", "1.1.1.1\n"],
  ["zone", "fe80::1%eth0"],
  ["two ellipses", "1::2::3"],
  ["three colons", ":::"],
  ["single colon", ":"],
  ["leading colon", ":1:2:3:4:5:6:7"],
  ["nine groups", "1:2:3:4:5:6:7:8:9"],
  ["seven groups", "1:2:3:4:5:6:7"],
  ["an ellipsis for nothing", "1:2:3:4::5:6:7:8"],
  ["five hex digits", "12345::"],
  ["IPv4 inside", "1:10.0.0.1::"],
  ["IPv4 tail with leading zero", "::ffff:010.0.0.1"],
  ["brackets", "[::1]"],
];
for (const [name, text] of refused)
  test(`parseIP refuses ${name}`, () => assert.equal(parseIP(text), undefined));

const prefixes: [name: string, text: string, canonical: string | undefined][] = [
  ["IPv4", "10.0.0.0/8", "10.0.0.0/8"],
  ["host bits kept", "10.1.2.3/8", "10.1.2.3/8"],
  ["whole IPv4", "0.0.0.0/0", "0.0.0.0/0"],
  ["IPv6", "2001:DB8::/64", "2001:db8::/64"],
  ["no length", "10.0.0.0", undefined],
  ["empty length", "10.0.0.0/", undefined],
  ["leading zero", "10.0.0.0/08", undefined],
  ["plus sign", "10.0.0.0/+8", undefined],
  ["too long", "10.0.0.0/33", undefined],
  ["two slashes", "10.0.0.0/8/8", undefined],
];
for (const [name, text, canonical] of prefixes)
  test(`parseCIDR: ${name}`, () => {
    const cidr = parseCIDR(text);
    assert.equal(cidr && printCIDR(cidr), canonical);
  });

test("ranges: contains, overlaps, nth, offset, size", () => {
  const services = mustParseCIDR("10.96.0.0/16");
  assert.equal(printIP(nthAddress(services, 10)!), "10.96.0.10");
  assert.equal(nthAddress(services, 65536), undefined);
  assert.equal(nthAddress(services, -1), undefined);
  assert.equal(offsetIn(services, mustParseIP("10.96.1.0")), 256n);
  assert.equal(offsetIn(services, mustParseIP("10.97.0.0")), undefined);
  assert.equal(contains(services, mustParseIP("10.96.255.255")), true);
  assert.equal(contains(services, mustParseIP("::ffff:10.96.0.1")), false);
  assert.equal(sizeOf(mustParseCIDR("fd00::/108")), 1n << 20n);
  assert.equal(printCIDR(masked(mustParseCIDR("10.96.7.9/16"))), "10.96.0.0/16");
  assert.equal(overlaps(services, mustParseCIDR("10.0.0.0/8")), true);
  assert.equal(overlaps(mustParseCIDR("10.96.3.0/24"), services), true);
  assert.equal(overlaps(services, mustParseCIDR("10.97.0.0/16")), false);
  assert.equal(overlaps(mustParseCIDR("0.0.0.0/0"), mustParseCIDR("::/0")), false);
});

const scopes: [text: string, scope: string][] = [
  ["0.0.0.0", "unspecified"],
  ["127.5.0.1", "loopback"],
  ["::1", "loopback"],
  ["169.254.1.1", "linkLocal"],
  ["fe80::1", "linkLocal"],
  ["224.0.0.251", "linkLocalMulticast"],
  ["ff02::1", "linkLocalMulticast"],
  ["239.1.1.1", "multicast"],
  ["ff05::1", "multicast"],
  ["::ffff:127.0.0.1", "loopback"],
  ["10.0.0.1", "unicast"],
];
for (const [text, scope] of scopes)
  test(`scopeOf ${text} is ${scope}`, () => assert.equal(scopeOf(mustParseIP(text)), scope));

test("reverseName", () => {
  assert.equal(reverseName(mustParseIP("10.96.0.10")), "10.0.96.10.in-addr.arpa");
  assert.equal(
    reverseName(mustParseIP("2001:db8::1")),
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
});

test("what is printed parses to the same value, and prints the same again", () => {
  const ip = fc.oneof(
    fc.bigInt(0n, (1n << 32n) - 1n).map((value) => ({ family: 4 as const, value })),
    fc.bigInt(0n, (1n << 128n) - 1n).map((value) => ({ family: 6 as const, value })),
    fc
      .array(fc.constantFrom<bigint>(0n, 0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
      .map((g) => ({ family: 6 as const, value: g.reduce((v, x) => (v << 16n) | x, 0n) })),
  );
  fc.assert(
    fc.property(ip, (a) => {
      assert.deepEqual(parseIP(printIP(a)), a);
    }),
  );
});

test("no text makes the parsers throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0129af:./%x-") }), (text) => {
      const ip = parseIP(text);
      if (ip) assert.ok(ip.value >= 0n && ip.value < 1n << 128n);
      parseCIDR(text);
    }),
  );
});

test("ranges within a range", () => {
  const pods = mustParseCIDR("10.244.0.0/16");
  const nth = (bits: number, n: number): string | undefined => {
    const subnet = nthSubnet(pods, bits, n);
    return subnet && printCIDR(subnet);
  };
  assert.equal(nth(24, 0), "10.244.0.0/24");
  assert.equal(nth(24, 255), "10.244.255.0/24");
  assert.equal(nth(24, 256), undefined);
  assert.equal(nth(16, 0), "10.244.0.0/16");
  assert.equal(nth(15, 0), undefined);
  assert.equal(nth(33, 0), undefined);
});

test("a host and a port", () => {
  assert.equal(joinHostPort("10.0.0.1", 80), "10.0.0.1:80");
  assert.equal(joinHostPort("fd00::1", 80), "[fd00::1]:80");
});
