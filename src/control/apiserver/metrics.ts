// /metrics: what the server has been asked and how long it took, under kube-apiserver's own names (Prometheus text format).
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Store } from "../store/mod.ts";
import { type Registry as Definitions, storePrefix } from "./registry.ts";
import type { RequestInfo } from "./requests/mod.ts";

export interface Metrics {
  /** Counts a finished request. `seconds` is undefined for watches and streams. */
  observe(method: string, info: RequestInfo | undefined, long: boolean, code: number, seconds: number): void;
  longRunning(change: 1 | -1): void;
  text(): Promise<string>;
}

const verbs: Record<string, string> = {
  GET: "GET",
  HEAD: "GET",
  POST: "POST",
  PUT: "PUT",
  PATCH: "PATCH",
  DELETE: "DELETE",
};

function verbOf(method: string, info: RequestInfo | undefined, long: boolean): string {
  const verb = verbs[method] ?? "other";
  if (!info) return verb;
  if (long && (verb === "GET" || verb === "POST")) return info.subresource === "" ? "WATCH" : "CONNECT";
  if (info.name !== "") return verb;
  if (verb === "GET") return "LIST";
  return verb === "DELETE" ? "DELETECOLLECTION" : verb;
}

export function createMetrics(store: Store, definitions: Definitions, inFlight: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;
  const requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests by verb, resource and HTTP response code.",
    labelNames: [...labelNames, "code"],
    registers,
  });
  const durations = new Histogram({
    name: "apiserver_request_duration_seconds",
    help: "Response latency in seconds by verb and resource.",
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 2, 4, 8, 15, 30, 60],
    registers,
  });
  const longRunning = new Gauge({
    name: "apiserver_longrunning_requests",
    help: "Watches and streams that are open.",
    registers,
  });
  new Gauge({
    name: "apiserver_current_inflight_requests",
    help: "Requests that are being served, without watches and streams.",
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  new Gauge({
    name: "apiserver_storage_objects",
    help: "Stored objects by resource.",
    labelNames: ["resource"],
    registers,
    collect() {
      for (const def of definitions.definitions) {
        if (def.storedAs) continue;
        const resource = def.group === "" ? def.plural : `${def.plural}.${def.group}`;
        this.set({ resource }, store.count(storePrefix(def)));
      }
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since the epoch in seconds.",
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));

  return {
    observe(method, info, long, code, seconds) {
      // Only what is served becomes a label: anything else would let a client make labels without end.
      const def = info && definitions.find(info.group, info.version, info.resource);
      const known = def?.subresources?.some((s) => s.name === info!.subresource);
      const labels = {
        verb: verbOf(method, info, long),
        group: def?.group ?? "",
        version: def?.version ?? "",
        resource: def?.plural ?? "",
        subresource: known ? info!.subresource : "",
        scope: !def ? "" : info!.name !== "" ? "resource" : info!.namespace ? "namespace" : "cluster",
        component: "apiserver",
      };
      requests.inc({ ...labels, code });
      if (!long) durations.observe(labels, seconds);
    },
    longRunning: (change) => (change > 0 ? longRunning.inc() : longRunning.dec()),
    text: () => registry.metrics(),
  };
}
