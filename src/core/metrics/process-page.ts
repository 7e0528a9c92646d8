// What every Prometheus client says of its process, and what every component of Kubernetes says of its build.
import type { MetricPage } from "./metric-page.ts";

/** Sizes in bytes, times in seconds; `started` since the epoch. */
export interface ProcessFacts {
  cpuSeconds: number;
  residentBytes: number;
  openFiles: number;
  started: number;
}

/** The facts are asked for when the page is. */
export function addProcessMetrics(page: MetricPage, read: () => ProcessFacts): void {
  const cpu = page.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
  const memory = page.gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  const files = page.gauge("process_open_fds", "Number of open file descriptors.");
  const start = page.gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
  );
  let told = 0;
  page.onText(() => {
    const facts = read();
    cpu.with().add(Math.max(0, facts.cpuSeconds - told));
    told = Math.max(told, facts.cpuSeconds);
    memory.with().set(facts.residentBytes);
    files.with().set(facts.openFiles);
    start.with().set(facts.started);
  });
}

const buildLabels = [
  ...["major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version"],
  ...["compiler", "platform"],
] as const;

/** `version` as /version answers it. */
export function addBuildInfo(page: MetricPage, version: Record<string, string>): void {
  const field = (label: string): string =>
    version[label.replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase())] ?? "";
  page
    .gauge(
      "kubernetes_build_info",
      "A metric with a constant '1' value labeled by the release of Kubernetes whose API is served.",
      buildLabels,
    )
    .with(...buildLabels.map(field))
    .set(1);
}
