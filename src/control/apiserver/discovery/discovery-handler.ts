// Discovery over HTTP: the aggregated form to whoever asks for it, the legacy forms to everyone else.
import type { IncomingMessage, ServerResponse } from "node:http";
import { failure } from "../../../core/api/status.ts";
import { answerBytes, answerJson } from "../representation/mod.ts";
import { parseAccept } from "../requests/mod.ts";
import {
  aggregatedDiscovery,
  type DiscoveryInput,
  legacyGroup,
  legacyGroups,
  legacyResources,
  legacyVersions,
} from "./discovery.ts";

const aggregated = "APIGroupDiscoveryList";
const aggregatedGroup = "apidiscovery.k8s.io";

/** Version of the aggregated form that the client wants most, if any. */
function wantedVersion(accept: string | undefined): string | undefined {
  const wanted = parseAccept(accept ?? "").find(
    ({ params }) =>
      params.get("as") === aggregated &&
      params.get("g") === aggregatedGroup &&
      ["v2", "v2beta1"].includes(params.get("v") ?? ""),
  );
  return wanted?.params.get("v");
}

/** `address` is what /api names, host:port. The handler answers false for other paths; throws StatusError 404. */
export function createDiscoveryHandler(
  input: DiscoveryInput,
  address: string,
): (req: IncomingMessage, res: ServerResponse, path: string) => boolean {
  function documentAt(parts: readonly string[]): object | undefined {
    const [root, group, version] = parts;
    if (root === "api") return legacyResources(input, "", group!);
    return version === undefined ? legacyGroup(input, group!) : legacyResources(input, group!, version);
  }

  return (req, res, path) => {
    const parts = path.replace(/\/$/, "").split("/").slice(1);
    const [root] = parts;
    if ((root !== "api" && root !== "apis") || parts.length > (root === "api" ? 2 : 3)) return false;
    if (parts.length > 1) {
      const document = documentAt(parts);
      if (!document) throw failure(404, "NotFound", "the server could not find the requested resource", {});
      answerJson(req, res, 200, document);
      return true;
    }
    const version = wantedVersion(req.headers.accept);
    res.setHeader("Vary", "Accept");
    if (version) {
      const body = JSON.stringify(aggregatedDiscovery(input, root === "api", version));
      const type = `application/json;g=${aggregatedGroup};v=${version};as=${aggregated}`;
      answerBytes(res, 200, type, Buffer.from(body));
    } else answerJson(req, res, 200, root === "api" ? legacyVersions(address) : legacyGroups(input));
    return true;
  };
}

/** What GET / lists. */
export function servedPaths(input: DiscoveryInput): string[] {
  const paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/readyz", "/version"];
  paths.push("/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/.well-known/openid-configuration");
  for (const { group, version } of [...input.registry.definitions, ...input.virtual])
    if (group !== "") paths.push(`/apis/${group}`, `/apis/${group}/${version}`);
  return [...new Set(paths)].sort();
}
