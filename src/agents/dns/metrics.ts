// Counters under CoreDNS' names, so dashboards and alerts for CoreDNS read them (text exposition format 0.0.4).
import { RCODE, TYPE } from "../../core/network/dns/mod.ts";

export interface DnsMetrics {
  count(transport: "udp" | "tcp", type: number, rcode: number): void;
  /** The page; gauges are read when it is asked for. */
  print(gauges: {
    records: number;
    cacheEntries: number;
    hits: number;
    misses: number;
    failures: number;
  }): string;
}

/** Types that CoreDNS names in its metrics; the others count as `other`. */
const typeNames = new Map<number, string>(
  Object.entries({ ...TYPE, MX: 15, NAPTR: 35, DS: 43, DNSKEY: 48, HTTPS: 65 }).map(([name, n]) => [n, name]),
);
const rcodeNames = new Map<number, string>(Object.entries(RCODE).map(([name, n]) => [n, name]));

export function createDnsMetrics(): DnsMetrics {
  // One number for each combination: transport, type, rcode.
  const counts = new Map<number, number>();

  return {
    count(transport, type, rcode) {
      const known = typeNames.has(type) ? type : 0;
      const key = (known << 16) | ((rcode & 0xff) << 1) | (transport === "tcp" ? 1 : 0);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    print({ records, cacheEntries, hits, misses, failures }) {
      const requests = new Map<string, number>();
      const responses = new Map<string, number>();
      for (const [key, n] of counts) {
        const proto = key & 1 ? "tcp" : "udp";
        const type = typeNames.get(key >>> 16) ?? "other";
        const rcode = (key >> 1) & 0xff;
        const request = `family="1",proto="${proto}",server="dns://:53",type="${type}",view="",zone="."`;
        const response = `plugin="",rcode="${rcodeNames.get(rcode) ?? rcode}",server="dns://:53",view="",zone="."`;
        requests.set(request, (requests.get(request) ?? 0) + n);
        responses.set(response, (responses.get(response) ?? 0) + n);
      }
      const family = (name: string, help: string, kind: string, values: Map<string, number>): string =>
        [
          `# HELP ${name} ${help}`,
          `# TYPE ${name} ${kind}`,
          ...[...values].map(([labels, n]) => `${name}{${labels}} ${n}`),
        ].join("\n");
      const one = (labels: string, n: number) => new Map([[labels, n]]);
      const server = 'server="dns://:53",view="",zones="."';
      return `${[
        family("coredns_dns_requests_total", "DNS requests by transport and type.", "counter", requests),
        family("coredns_dns_responses_total", "DNS responses by rcode.", "counter", responses),
        family(
          "coredns_cache_entries",
          "Answers kept.",
          "gauge",
          new Map([
            [`${server},type="cluster"`, records],
            [`${server},type="upstream"`, cacheEntries],
          ]),
        ),
        family(
          "coredns_cache_hits_total",
          "Questions for upstream answered from the cache.",
          "counter",
          one(server, hits),
        ),
        family("coredns_cache_misses_total", "Questions that went upstream.", "counter", one(server, misses)),
        family(
          "coredns_forward_healthcheck_failures_total",
          "Attempts that an upstream server did not answer.",
          "counter",
          one(server, failures),
        ),
      ].join("\n")}\n`;
    },
  };
}
