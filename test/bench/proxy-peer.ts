// kube-proxy's documented nftables shape (KEP-3866): a chain and an anonymous map a Service, a chain an endpoint.

const chain = (name: string, rules: string[]): string =>
  `  chain ${name} {\n${rules.map((r) => `    ${r}\n`).join("")}  }\n`;

/** A table of that shape for so many Services with so many endpoints each, as input for `nft -f`. */
export function* peerTable(services: number, endpoints: number): Generator<string> {
  yield `add table ip peer\ndelete table ip peer\ntable ip peer {
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  chain masq-mark { meta mark set meta mark | 0x4000; }
  chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
  chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
`;
  for (let s = 0; s < services; s++) {
    const names = Array.from({ length: endpoints }, (_, e) => `endpoint-${s}-${e}`);
    for (const [e, name] of names.entries()) {
      const n = s * endpoints + e;
      const address = `10.${128 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
      yield chain(name, [`ip saddr ${address} jump masq-mark`, `meta l4proto tcp dnat to ${address}:8080`]);
    }
    yield chain(`service-${s}`, [
      "ip saddr != 10.244.0.0/16 jump masq-mark",
      `numgen random mod ${endpoints} vmap { ${names.map((n, i) => `${i} : goto ${n}`).join(", ")} }`,
    ]);
  }
  yield "}\n";
  for (let s = 0; s < services; s++)
    yield `add element ip peer service-ips { 10.${96 + (s >> 16)}.${(s >> 8) & 255}.${s & 255} . tcp . 80 : goto service-${s} }\n`;
}

/** One more Service of that shape. */
export function* peerAddition(s: number): Generator<string> {
  yield `table ip peer {
  chain endpoint-${s}-0 { ip saddr 10.250.0.1 jump masq-mark; meta l4proto tcp dnat to 10.250.0.1:8080; }
  chain service-${s} { ip saddr != 10.244.0.0/16 jump masq-mark; numgen random mod 1 vmap { 0 : goto endpoint-${s}-0 }; }
}
add element ip peer service-ips { 10.111.${(s >> 8) & 255}.${s & 255} . tcp . 80 : goto service-${s} }
`;
}

/** The least that a table of maps can be: a map from a Service to its number of endpoints, and one from each draw to its endpoint. */
export function* bareTable(services: number, endpoints: number): Generator<string> {
  yield `add table ip bare\ndelete table ip bare\ntable ip bare {
  map frontends { type ipv4_addr . inet_proto . inet_service : verdict; }
  map backends { typeof numgen random mod 65536 . ip daddr . meta l4proto . th dport : ip daddr . th dport; }
  chain pick { dnat ip to numgen random mod ${endpoints} . ip daddr . meta l4proto . th dport map @backends; }
  chain nat-prerouting { type nat hook prerouting priority -100; ip daddr . meta l4proto . th dport vmap @frontends; }
}
`;
  const batch = 200;
  for (let from = 0; from < services; from += batch) {
    const some = Array.from({ length: Math.min(batch, services - from) }, (_, i) => from + i);
    const key = (s: number): string => `10.${96 + (s >> 16)}.${(s >> 8) & 255}.${s & 255} . tcp . 80`;
    yield `add element ip bare frontends { ${some.map((s) => `${key(s)} : goto pick`).join(", ")} }\n`;
    for (let e = 0; e < endpoints; e++) {
      const elements = some.map((s) => {
        const n = s * endpoints + e;
        return `${e} . ${key(s)} : 10.${128 + (n >> 16)}.${(n >> 8) & 255}.${n & 255} . 8080`;
      });
      yield `add element ip bare backends { ${elements.join(", ")} }\n`;
    }
  }
}
