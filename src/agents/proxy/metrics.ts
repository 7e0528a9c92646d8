// The proxy's metrics under kube-proxy's names.
import { Counter, exponentialBuckets, Gauge, Histogram, Registry } from "prom-client";

export type IPFamily = "IPv4" | "IPv6";

export interface ProxyMetrics {
  /** A transaction went through. */
  applied(family: IPFamily, kind: "whole" | "part", milliseconds: number, wallMs: number): void;
  failed(family: IPFamily): void;
  serviceChanged(): void;
  endpointsChanged(): void;
  queued(wallMs: number): void;
  /** From the change of a pod or Service that made an EndpointSlice change, to the kernel. */
  programmed(milliseconds: number): void;
  /** Prometheus text. */
  text(): Promise<string>;
}

const linear = (from: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

export function createProxyMetrics(): ProxyMetrics {
  const registry = new Registry();
  const registers = [registry];
  const syncBuckets = exponentialBuckets(0.001, 2, 15);
  const histogram = (name: string, help: string): Histogram<"ip_family"> =>
    new Histogram({
      name: `kubeproxy_${name}`,
      help,
      labelNames: ["ip_family"],
      buckets: syncBuckets,
      registers,
    });
  const sync = histogram("sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds");
  const whole = histogram(
    "sync_full_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for full resyncs",
  );
  const part = histogram(
    "sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
  );
  const programming = new Histogram({
    name: "kubeproxy_network_programming_duration_seconds",
    help: "In Cluster Network Programming Latency in seconds",
    buckets: [...linear(0.25, 0.25, 2), ...linear(1, 1, 59), ...linear(60, 5, 12), ...linear(120, 30, 7)],
    registers,
  });
  const last = new Gauge({
    name: "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    help: "The last time proxy rules were successfully synced",
    labelNames: ["ip_family"],
    registers,
  });
  const queued = new Gauge({
    name: "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    help: "The last time a sync of proxy rules was queued",
    registers,
  });
  const failures = new Counter({
    name: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    help: "Cumulative proxy nftables sync failures",
    labelNames: ["ip_family"],
    registers,
  });
  const serviceChanges = new Counter({
    name: "kubeproxy_sync_proxy_rules_service_changes_total",
    help: "Cumulative proxy rules Service changes",
    registers,
  });
  const endpointChanges = new Counter({
    name: "kubeproxy_sync_proxy_rules_endpoint_changes_total",
    help: "Cumulative proxy rules Endpoint changes",
    registers,
  });
  return {
    applied(family, kind, milliseconds, wallMs) {
      const labels = { ip_family: family };
      sync.observe(labels, milliseconds / 1000);
      (kind === "whole" ? whole : part).observe(labels, milliseconds / 1000);
      last.set(labels, wallMs / 1000);
    },
    failed: (family) => failures.inc({ ip_family: family }),
    serviceChanged: () => serviceChanges.inc(),
    endpointsChanged: () => endpointChanges.inc(),
    queued: (wallMs) => queued.set(wallMs / 1000),
    programmed: (milliseconds) => programming.observe(milliseconds / 1000),
    text: () => registry.metrics(),
  };
}
