// Paths that name no resource: the version, what there is, its schema, health, metrics and the keys of tokens.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type DescribedKind, packageOf } from "../../core/api/openapi/mod.ts";
import type { ResourceDefinition } from "../../core/api/resource.ts";
import type { Schema } from "../../core/api/schema/mod.ts";
import { configurationPath, issuerConfiguration, keysPath } from "./auth/mod.ts";
import {
  createDiscoveryHandler,
  createOpenApi,
  type DiscoveryInput,
  type OpenApiOptions,
  servedPaths,
  type VirtualResource,
  versionInfo,
} from "./discovery/mod.ts";
import { answerHealth, type HealthCheck } from "./health.ts";
import type { Registry } from "./registry.ts";
import { answerBytes, answerJson } from "./representation/mod.ts";
import { reviews } from "./reviews/mod.ts";
import type { TokenSigner } from "./tokens/mod.ts";

export interface OtherPathsOptions {
  registry: Registry;
  schema: Schema;
  definitions: readonly ResourceDefinition[];
  descriptions?: OpenApiOptions["descriptions"];
  /** Host and port under which clients know the server. */
  address: string;
  health: readonly HealthCheck[];
  /** The page of metrics. */
  metrics(): string;
  tokens?: TokenSigner;
}

/** Kinds that are answered but never stored, as OpenAPI describes them. */
const describedReview = (v: VirtualResource): DescribedKind => ({
  ...v,
  model: `${packageOf(v.group)}.${v.version}.${v.kind}`,
  verbs: ["create"],
  subresources: [],
});

/** The returned function answers, or resolves with false where it knows no such path. */
export function createOtherPaths({
  registry,
  schema,
  definitions,
  descriptions = async () => ({}),
  address,
  health,
  metrics,
  tokens,
}: OtherPathsOptions) {
  const openApi = createOpenApi({
    schema,
    definitions: [...definitions, ...reviews.map(describedReview)],
    descriptions,
  });
  const discovery: DiscoveryInput = { registry, virtual: reviews };
  const answerDiscovery = createDiscoveryHandler(discovery, address);

  return async (
    req: IncomingMessage,
    res: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<boolean> => {
    if (path === "/version" || path === "/version/") answerJson(req, res, 200, versionInfo());
    else if (path === "/") answerJson(req, res, 200, { paths: servedPaths(discovery) });
    else if (path === "/metrics")
      answerBytes(res, 200, "text/plain; version=0.0.4; charset=utf-8", Buffer.from(metrics()));
    else if (path === keysPath && tokens) {
      const keys = JSON.stringify({ keys: await tokens.keys() });
      answerBytes(res, 200, "application/jwk-set+json", Buffer.from(keys));
    } else if (path === configurationPath && tokens)
      answerJson(req, res, 200, issuerConfiguration(tokens, `https://${address}`));
    else
      return (
        answerHealth(req, res, path, query, health) ||
        answerDiscovery(req, res, path) ||
        (await openApi(req, res, path))
      );
    return true;
  };
}
