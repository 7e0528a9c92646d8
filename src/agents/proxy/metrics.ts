// The proxy's metrics under kube-proxy's names (kubernetes pkg/proxy/metrics).

import { readProcessFacts } from "../../control/client/mod.ts";
import {
  addProcessMetrics,
  createMetricPage,
  exponentialBuckets,
  linearBuckets,
} from "../../core/metrics/mod.ts";

export type IPFamily = "IPv4" | "IPv6";

export interface ProxyMetrics {
  /** A transaction went through. */
  applied(family: IPFamily, kind: "whole" | "part", milliseconds: number, wallMs: number): void;
  failed(family: IPFamily): void;
  serviceChanged(): void;
  endpointsChanged(): void;
  /** No change waits any more. */
  nothingPending(): void;
  queued(family: IPFamily, wallMs: number): void;
  /** From the change of a pod or Service that made an EndpointSlice change, to the kernel. */
  programmed(family: IPFamily, milliseconds: number): void;
  /** Flows were compared with the tables, and so many removed. */
  reconciled(family: IPFamily, milliseconds: number, removed: number): void;
  /** A health page was answered. */
  asked(page: "healthz" | "livez", code: number): void;
  /** Prometheus text. */
  text(): string;
}

export function createProxyMetrics(): ProxyMetrics {
  const page = createMetricPage();
  const syncBuckets = exponentialBuckets(0.001, 2, 15);
  const histogram = (name: string, help: string, buckets = syncBuckets) =>
    page.histogram(`kubeproxy_${name}`, help, buckets, ["ip_family"]);
  const perFamily = (name: string, help: string) => page.counter(`kubeproxy_${name}`, help, ["ip_family"]);
  const sync = histogram("sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds");
  const whole = histogram(
    "sync_full_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for full resyncs",
  );
  const part = histogram(
    "sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
  );
  const programming = histogram(
    "network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    [
      ...linearBuckets(0.25, 0.25, 2),
      ...linearBuckets(1, 1, 59),
      ...linearBuckets(60, 5, 12),
      ...linearBuckets(120, 30, 7),
    ],
  );
  const last = page.gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
    ["ip_family"],
  );
  const queued = page.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
    ["ip_family"],
  );
  const failures = perFamily(
    "sync_proxy_rules_nftables_sync_failures_total",
    "Cumulative proxy nftables sync failures",
  );
  const flows = histogram(
    "conntrack_reconciler_sync_duration_seconds",
    "ReconcileConntrackFlowsLatency latency in seconds",
  );
  const removedFlows = perFamily(
    "conntrack_reconciler_deleted_entries_total",
    "Cumulative conntrack flows deleted by conntrack reconciler",
  );
  const changes = (of: "service" | "endpoint", name: string) => {
    const total = page
      .counter(`kubeproxy_sync_proxy_rules_${of}_changes_total`, `Cumulative proxy rules ${name} changes`)
      .with();
    const gauge = page
      .gauge(`kubeproxy_sync_proxy_rules_${of}_changes_pending`, `Pending proxy rules ${name} changes`)
      .with();
    let pending = 0;
    return {
      add() {
        total.add();
        gauge.set(++pending);
      },
      settle() {
        pending = 0;
        gauge.set(0);
      },
    };
  };
  const services = changes("service", "Service");
  const endpoints = changes("endpoint", "Endpoint");
  const answers = (which: "healthz" | "livez") =>
    page.counter(`kubeproxy_proxy_${which}_total`, `Cumulative proxy ${which} HTTP status`, ["code"]);
  const asked = { healthz: answers("healthz"), livez: answers("livez") };
  addProcessMetrics(page, readProcessFacts);

  return {
    applied(family, kind, milliseconds, wallMs) {
      sync.with(family).observe(milliseconds / 1000);
      (kind === "whole" ? whole : part).with(family).observe(milliseconds / 1000);
      last.with(family).set(wallMs / 1000);
    },
    failed: (family) => failures.with(family).add(),
    serviceChanged: services.add,
    endpointsChanged: endpoints.add,
    nothingPending() {
      services.settle();
      endpoints.settle();
    },
    queued: (family, wallMs) => queued.with(family).set(wallMs / 1000),
    programmed: (family, milliseconds) => programming.with(family).observe(milliseconds / 1000),
    reconciled(family, milliseconds, removed) {
      flows.with(family).observe(milliseconds / 1000);
      removedFlows.with(family).add(removed);
    },
    asked: (which, code) => asked[which].with(String(code)).add(),
    text: () => page.text(),
  };
}
