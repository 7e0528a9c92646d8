// What DNS counts, under CoreDNS' names, so dashboards and alerts for CoreDNS read it.
import { readProcessFacts } from "../../control/client/mod.ts";
import {
  addProcessMetrics,
  type Counter,
  createMetricPage,
  exponentialBuckets,
  type Histogram,
} from "../../core/metrics/mod.ts";
import { RCODE, TYPE } from "../../core/network/dns/mod.ts";

type Transport = "udp" | "tcp";

export interface DnsMetrics {
  count(transport: Transport, type: number, rcode: number): void;
  /** A question is answered: the sizes of both in bytes, and how long it took. */
  answered(transport: Transport, question: number, answer: number, milliseconds: number): void;
  /** Something that should not happen happened while answering. */
  broke(): void;
  text(): string;
}

/** Read when the page is asked for. */
export interface DnsGauges {
  /** Ready answers of the cluster's own names, and answers of upstream servers. */
  records: number;
  cacheEntries: number;
  hits: number;
  misses: number;
  failures: number;
}

/** Types that CoreDNS names in its metrics; the others count as `other`. */
const typeNames = new Map<number, string>(
  Object.entries({ ...TYPE, MX: 15, NAPTR: 35, DS: 43, DNSKEY: 48, HTTPS: 65 }).map(([name, n]) => [n, name]),
);
const rcodeNames = new Map<number, string>(Object.entries(RCODE).map(([name, n]) => [n, name]));

const server = "dns://:53";
const zone = ".";
const view = "";
const sizeBuckets = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];

export function createDnsMetrics(gauges: () => DnsGauges): DnsMetrics {
  const page = createMetricPage();
  page
    .gauge(
      "coredns_build_info",
      "A metric with a constant '1' value labeled by the server's name and version.",
      ["version", "revision", "goversion"],
    )
    .with("portolan", "", "")
    .set(1);
  const requests = page.counter(
    "coredns_dns_requests_total",
    "Counter of DNS requests made per zone, protocol and family.",
    ["server", "zone", "view", "proto", "family", "type"],
  );
  const responses = page.counter("coredns_dns_responses_total", "Counter of response status codes.", [
    ...["server", "zone", "view", "rcode", "plugin"],
  ]);
  const duration = page
    .histogram(
      "coredns_dns_request_duration_seconds",
      "Histogram of the time (in seconds) each request took per zone.",
      exponentialBuckets(0.00025, 2, 16),
      ["server", "zone", "view"],
    )
    .with(server, zone, view);
  const sizes = (name: string, help: string): Record<Transport, Histogram> => {
    const family = page.histogram(name, help, sizeBuckets, ["server", "zone", "view", "proto"]);
    return { udp: family.with(server, zone, view, "udp"), tcp: family.with(server, zone, view, "tcp") };
  };
  const questionSizes = sizes("coredns_dns_request_size_bytes", "Size of the request in bytes.");
  const answerSizes = sizes("coredns_dns_response_size_bytes", "Size of the returned response in bytes.");
  const panics = page.counter("coredns_panics_total", "A metrics that counts the number of panics.").with();
  const entries = page.gauge("coredns_cache_entries", "The number of elements in the cache.", [
    ...["server", "type", "zones", "view"],
  ]);
  const grown = (name: string, help: string, labels: readonly string[], values: readonly string[]) => {
    const counter = page.counter(name, help, labels).with(...values);
    let told = 0;
    return (now: number): void => {
      counter.add(now - told);
      told = now;
    };
  };
  const cacheLabels = [
    ["server", "type", "zones", "view"],
    [server, "upstream", zone, view],
  ] as const;
  const hits = grown("coredns_cache_hits_total", "The count of cache hits.", ...cacheLabels);
  const misses = grown(
    "coredns_cache_misses_total",
    "The count of cache misses.",
    ["server", "zones", "view"],
    [server, zone, view],
  );
  const asked = grown(
    "coredns_cache_requests_total",
    "The count of cache requests.",
    ["server", "zones", "view"],
    [server, zone, view],
  );
  const failures = grown(
    "coredns_forward_healthcheck_failures_total",
    "Counter of attempts that an upstream server did not answer.",
    [],
    [],
  );
  page.onText(() => {
    const now = gauges();
    entries.with(server, "cluster", zone, view).set(now.records);
    entries.with(server, "upstream", zone, view).set(now.cacheEntries);
    hits(now.hits);
    misses(now.misses);
    asked(now.hits + now.misses);
    failures(now.failures);
  });
  addProcessMetrics(page, readProcessFacts);

  // One place for each combination of transport, type and rcode, found by a number.
  const counters = new Map<number, [request: Counter, response: Counter]>();

  return {
    count(transport, type, rcode) {
      const known = typeNames.has(type) ? type : 0;
      const key = (known << 16) | ((rcode & 0xff) << 1) | (transport === "tcp" ? 1 : 0);
      let pair = counters.get(key);
      if (!pair) {
        pair = [
          requests.with(server, zone, view, transport, "1", typeNames.get(known) ?? "other"),
          responses.with(server, zone, view, rcodeNames.get(rcode) ?? String(rcode), ""),
        ];
        counters.set(key, pair);
      }
      pair[0].add();
      pair[1].add();
    },
    answered(transport, question, answer, milliseconds) {
      duration.observe(milliseconds / 1000);
      questionSizes[transport].observe(question);
      answerSizes[transport].observe(answer);
    },
    broke: () => panics.add(),
    text: () => page.text(),
  };
}
