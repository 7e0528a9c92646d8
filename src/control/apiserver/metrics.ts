// /metrics: what the server has been asked, how long it took and what it has told watchers, under kube-apiserver's own names.

import type { ResourceDefinition } from "../../core/api/resource.ts";
import { addBuildInfo, addProcessMetrics, type Counter, type MetricPage } from "../../core/metrics/mod.ts";
import { readProcessFacts } from "../client/mod.ts";
import type { Store } from "../store/mod.ts";
import { type Registry as Definitions, storePrefix } from "./registry.ts";
import type { RequestInfo } from "./requests/mod.ts";

/** A request as it is counted. */
export interface Counted {
  method: string;
  info: RequestInfo | undefined;
  /** A watch or a stream: it takes as long as its client likes. */
  long: boolean;
  /** A PATCH of server-side apply. */
  apply: boolean;
  /** Values of `dryRun`. */
  dryRun: readonly string[];
}

export interface InFlight {
  readOnly: number;
  mutating: number;
}

export interface Metrics {
  /** Counts a finished request. */
  finished(request: Counted, code: number, seconds: number): void;
  /** A watch or stream has begun, or is over. */
  longRunning(request: Counted, change: 1 | -1): void;
  /** Events told to watchers of that kind. */
  watchEvents(def: ResourceDefinition): Counter;
  text(): string;
}

const verbs: Record<string, string> = {
  GET: "GET",
  HEAD: "HEAD",
  POST: "POST",
  PUT: "PUT",
  PATCH: "PATCH",
  DELETE: "DELETE",
};

function verbOf({ method, info, long, apply }: Counted): string {
  const verb = verbs[method] ?? "other";
  if (!info) return verb;
  if (long && (verb === "GET" || verb === "POST")) return info.subresource === "" ? "WATCH" : "CONNECT";
  if (verb === "PATCH" && apply) return "APPLY";
  if (info.name !== "") return verb;
  if (verb === "GET") return "LIST";
  return verb === "DELETE" ? "DELETECOLLECTION" : verb;
}

function dryRunOf(values: readonly string[]): string {
  if (values.length === 0) return "";
  return values.every((v) => v === "All") ? "All" : "invalid";
}

const labelNames = ["group", "version", "resource", "subresource", "scope", "component"];
const buckets = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3],
  ...[4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
];

export function createMetrics(
  store: Store,
  definitions: Definitions,
  options: { page: MetricPage; inFlight: InFlight; version: Record<string, string> },
): Metrics {
  const { page } = options;
  const requests = page.counter(
    "apiserver_request_total",
    "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
    ["verb", "dry_run", ...labelNames, "code"],
  );
  const durations = page.histogram(
    "apiserver_request_duration_seconds",
    "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
    buckets,
    ["verb", "dry_run", ...labelNames],
  );
  // No webhooks and no queue: what is left when their time is taken away is all of it.
  const sli = page.histogram(
    "apiserver_request_sli_duration_seconds",
    "Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.",
    buckets.slice(2),
    ["verb", ...labelNames],
  );
  const longRunning = page.gauge(
    "apiserver_longrunning_requests",
    "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
    ["verb", ...labelNames],
  );
  const watchEvents = page.counter("apiserver_watch_events_total", "Number of events sent in watch clients", [
    "group",
    "version",
    "resource",
  ]);
  const inFlight = page.gauge(
    "apiserver_current_inflight_requests",
    "Number of requests that are being served now, without watches and streams, per request kind.",
    ["request_kind"],
  );
  const objects = page.gauge("apiserver_storage_objects", "Number of stored objects split by kind.", [
    "resource",
  ]);
  const resourceObjects = page.gauge(
    "apiserver_resource_objects",
    "Number of stored objects split by kind.",
    ["group", "resource"],
  );
  page.onText(() => {
    inFlight.with("readOnly").set(options.inFlight.readOnly);
    inFlight.with("mutating").set(options.inFlight.mutating);
    objects.clear();
    resourceObjects.clear();
    for (const def of definitions.definitions) {
      if (def.storedAs) continue;
      const count = store.count(storePrefix(def));
      objects.with(def.group === "" ? def.plural : `${def.plural}.${def.group}`).set(count);
      resourceObjects.with(def.group, def.plural).set(count);
    }
  });
  addProcessMetrics(page, readProcessFacts);
  addBuildInfo(page, options.version);

  const open = new Map<string, number>();

  function labelsOf({ info }: Counted): string[] {
    // Only what is served becomes a label: anything else would let a client make labels without end.
    const def = info && definitions.find(info.group, info.version, info.resource);
    const known = def?.subresources?.some((s) => s.name === info!.subresource);
    const scope = !def ? "" : info!.name !== "" ? "resource" : info!.namespace ? "namespace" : "cluster";
    const subresource = known ? info!.subresource : "";
    return [def?.group ?? "", def?.version ?? "", def?.plural ?? "", subresource, scope, "apiserver"];
  }

  return {
    finished(request, code, seconds) {
      const [verb, dryRun, labels] = [verbOf(request), dryRunOf(request.dryRun), labelsOf(request)];
      requests.with(verb, dryRun, ...labels, String(code)).add();
      if (request.long) return;
      durations.with(verb, dryRun, ...labels).observe(seconds);
      sli.with(verb, ...labels).observe(seconds);
    },
    longRunning(request, change) {
      const labels = [verbOf(request), ...labelsOf(request)];
      const key = labels.join("\0");
      const now = (open.get(key) ?? 0) + change;
      open.set(key, now);
      longRunning.with(...labels).set(now);
    },
    watchEvents: (def) => watchEvents.with(def.group, def.version, def.plural),
    text: () => page.text(),
  };
}
