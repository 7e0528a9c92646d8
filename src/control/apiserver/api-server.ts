// The API server as one value: takes HTTP requests, gives a client to what runs beside it. Where bytes come from and where
// they are kept is somebody else's business.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { componentStatusOf } from "../../core/api/kinds/mod.ts";
import type { ResourceDefinition } from "../../core/api/resource.ts";
import type { Schema } from "../../core/api/schema/mod.ts";
import { failure, StatusError, tooManyRequests, unauthorized } from "../../core/api/status.ts";
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { hostAddresses, ipFamiliesOf } from "../../core/cluster/ip-families.ts";
import { createMetricPage, type MetricPage } from "../../core/metrics/mod.ts";
import { joinHostPort } from "../../core/net/mod.ts";
import { createInProcessClient } from "../client/in-process.ts";
import type { KubeClient } from "../client/mod.ts";
import type { Store } from "../store/mod.ts";
import { admissionPlugins, denyExternalIPs } from "./admission/mod.ts";
import { createAllocationMetrics, createServiceAllocation, quotaReservation } from "./allocation/mod.ts";
import { asWhom, createAuthenticator, isAnonymous, isOpen } from "./auth/mod.ts";
import type { ConnectHandlers } from "./connect.ts";
import type { AdmissionPlugin, ApiCore, Reserve, UserInfo } from "./context.ts";
import { answerCustomResources, type OpenApiOptions, versionInfo } from "./discovery/mod.ts";
import type { HealthCheck } from "./health.ts";
import { type Counted, createMetrics } from "./metrics.ts";
import { createOperations } from "./operations.ts";
import { createOtherPaths } from "./other-paths.ts";
import { createRegistry } from "./registry.ts";
import { answerError, answerText, statusOf } from "./representation/mod.ts";
import { createCodec, parseResourcePath, type RequestInfo } from "./requests/mod.ts";
import { createResourceHandler } from "./resource-handler.ts";
import { createReviewHandler } from "./reviews/mod.ts";
import { createSubresources } from "./subresource.ts";
import { subresourceHandlers } from "./subresources/mod.ts";
import { createTokenInspector, type TokenSigner, tokenHandler, tokenVerifier } from "./tokens/mod.ts";

export interface ApiServerOptions {
  store: Store;
  schema: Schema;
  definitions: readonly ResourceDefinition[];
  admission?: readonly AdmissionPlugin[];
  reserve?: readonly Reserve[];
  connect?: ConnectHandlers;
  /** Without it no tokens are given out or believed. */
  tokens?: TokenSigner;
  cluster: ClusterFacts;
  /** Texts for OpenAPI documents; without them fields have none. */
  descriptions?: OpenApiOptions["descriptions"];
  /** Milliseconds since the epoch. */
  now?: () => number;
  bookmarkMs?: number;
  health?: readonly HealthCheck[];
  /** Parts of the control plane beside the store, as ComponentStatus tells them. */
  components?: readonly HealthCheck[];
  /** What else the process counts is on the same page. */
  metrics?: MetricPage;
  onError?(error: unknown): void;
}

export interface ApiServer {
  readonly client: KubeClient;
  readonly core: ApiCore;
  handle(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Requests that are neither watches nor streams, at once; beyond it 429. */
const maxInFlight = 800;
export function createApiServer(o: ApiServerOptions): ApiServer {
  const registry = createRegistry(o.definitions);
  const etcd = { name: "etcd-0", check: () => o.store.failure || undefined };
  const components = [...(o.components ?? []), etcd];
  const page = o.metrics ?? createMetricPage();
  const core: ApiCore = {
    store: o.store,
    codec: createCodec(o.schema),
    registry,
    admission: [
      ...admissionPlugins,
      ...(o.cluster.allowExternalIPs ? [] : [denyExternalIPs]),
      ...(o.admission ?? []),
    ],
    reserve: [
      createServiceAllocation({
        store: o.store,
        cluster: o.cluster,
        random: Math.random,
        metrics: createAllocationMetrics(page),
      }),
      quotaReservation(o.store, o.now ?? Date.now),
      ...(o.reserve ?? []),
    ],
    computed: (def) =>
      def.group === "" && def.plural === "componentstatuses"
        ? components.map((c) => componentStatusOf(c.name, c.check()))
        : undefined,
    now: o.now ?? Date.now,
    ipFamilies: ipFamiliesOf(o.cluster),
    hosts: hostAddresses(o.cluster),
  };
  const inspect = o.tokens && createTokenInspector(o.store, o.tokens, core.now);
  const verify = inspect ? tokenVerifier(inspect, o.tokens!.issuer) : async () => undefined;
  const subresources = createSubresources({
    ...subresourceHandlers(core),
    ...(o.tokens ? { "serviceaccounts/token": tokenHandler(core, o.tokens) } : {}),
  });
  const client = createInProcessClient(createOperations(core, subresources));
  const authenticate = createAuthenticator(verify);
  const inFlight = { readOnly: 0, mutating: 0 };
  const metrics = createMetrics(o.store, registry, {
    page,
    inFlight,
    version: versionInfo(),
  });
  const resources = createResourceHandler({
    core,
    subresources,
    watchEvents: metrics.watchEvents,
    bookmarkMs: o.bookmarkMs ?? 60_000,
    random: Math.random,
  });
  const answerOther = createOtherPaths({
    ...o,
    registry,
    address: joinHostPort(o.cluster.apiServer.host, o.cluster.apiServer.port),
    metrics: metrics.text,
    health: [
      { name: "ping", check: () => undefined },
      { name: "log", check: () => undefined },
      { name: "etcd", check: () => o.store.failure || undefined },
      ...(o.health ?? []),
    ],
  });
  const review = createReviewHandler({
    codec: core.codec,
    now: core.now,
    inspect,
    audience: o.tokens?.issuer ?? "",
  });
  const onError = o.onError ?? (() => {});
  const notServed = (): StatusError =>
    failure(404, "NotFound", "the server could not find the requested resource", {});

  async function connect(
    req: IncomingMessage,
    answer: { response: ServerResponse } | { socket: Duplex; head: Buffer },
    info: RequestInfo,
    query: URLSearchParams,
  ): Promise<boolean> {
    if (!isConnect(info)) return false;
    await o.connect![`${info.resource}/${info.subresource}`]!({
      request: req,
      response: "response" in answer ? answer.response : undefined,
      upgrade: "socket" in answer ? answer : undefined,
      resource: info.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name,
      subpath: info.subpath,
      query,
      client,
    });
    return true;
  }

  async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    user: UserInfo,
    path: string,
    search: string,
  ): Promise<void> {
    const query = new URLSearchParams(search);
    const info = parseResourcePath(path);
    const stream = info !== undefined && isStream(info, query);
    const began = performance.now();
    const request: Counted = {
      method: req.method ?? "",
      info,
      long: stream,
      apply: (req.headers["content-type"] ?? "").startsWith("application/apply-patch"),
      dryRun: query.getAll("dryRun"),
    };
    if (stream) metrics.longRunning(request, 1);
    res.once("close", () => {
      if (stream) metrics.longRunning(request, -1);
      metrics.finished(request, res.statusCode, (performance.now() - began) / 1000);
    });
    if (!info) {
      if (!(await answerOther(req, res, path, query))) answerText(res, 404, "404 page not found\n");
      return;
    }
    if (answerCustomResources(req, res, { path, query }, o.store.revision)) return;
    if (info.subresource !== "" && (await connect(req, { response: res }, info, query))) return;
    if (stream) return resources({ req, res, info, query, user });
    if (inFlight.readOnly + inFlight.mutating >= maxInFlight)
      throw tooManyRequests("too many requests, please try again later", 1);
    const kind = req.method === "GET" || req.method === "HEAD" ? "readOnly" : "mutating";
    inFlight[kind]++;
    try {
      if (await review(req, res, info, user)) return;
      await resources({ req, res, info, query, user });
    } finally {
      inFlight[kind]--;
    }
  }

  /** Open for as long as the client likes: not counted among the requests in flight. */
  function isStream(info: RequestInfo, query: URLSearchParams): boolean {
    if (info.legacyWatch || ["1", "true"].includes(query.get("watch") ?? "")) return true;
    return info.subresource !== "" && isConnect(info);
  }

  function isConnect(info: RequestInfo): boolean {
    return (
      info.group === "" &&
      o.connect !== undefined &&
      Object.hasOwn(o.connect, `${info.resource}/${info.subresource}`)
    );
  }

  function splitUrl(req: IncomingMessage): [path: string, search: string] {
    const url = req.url ?? "/";
    const at = url.indexOf("?");
    return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const [path, search] = splitUrl(req);
      const found = authenticate(req);
      const caller = found instanceof Promise ? await found : found;
      if (isAnonymous(caller) && !isOpen(path)) throw unauthorized();
      await serve(req, res, asWhom(req, caller, path), path, search);
    } catch (error) {
      if (!(error instanceof StatusError)) onError(error);
      try {
        answerError(req, res, error);
      } catch (second) {
        onError(second);
        res.destroy();
      }
    }
  }

  async function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const [path, search] = splitUrl(req);
      const user = await authenticate(req);
      if (isAnonymous(user)) throw unauthorized();
      asWhom(req, user, path);
      const info = parseResourcePath(path);
      if (!info || !(await connect(req, { socket, head }, info, new URLSearchParams(search))))
        throw notServed();
    } catch (error) {
      if (!(error instanceof StatusError)) onError(error);
      const status = statusOf(error);
      const body = `${JSON.stringify(status)}\n`;
      const code = status.code ?? 500;
      socket.end(
        `HTTP/1.1 ${code} ${status.reason ?? "Error"}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    }
  }

  return {
    client,
    core,
    handle: (req, res) => void handle(req, res),
    upgrade: (req, socket, head) => void upgrade(req, socket, head),
  };
}
