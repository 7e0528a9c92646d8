// Credentials for a registry out of a pod's imagePullSecrets (kubernetes.io/dockerconfigjson).
import type { Secret } from "../../../core/api/types.ts";
import type { RegistryAuth } from "./runtime.ts";

/** What to try, in order; no credentials at all where none are for this registry. */
export function authsFor(registry: string, secrets: readonly Secret[]): (RegistryAuth | undefined)[] {
  const found: (RegistryAuth | undefined)[] = [];
  for (const secret of secrets) {
    const data = secret.data?.[".dockerconfigjson"];
    if (!data) continue;
    let config: { auths?: Record<string, { username?: string; password?: string; auth?: string }> };
    try {
      config = JSON.parse(Buffer.from(data, "base64").toString("utf8"));
    } catch {
      continue;
    }
    for (const [server, auth] of Object.entries(config.auths ?? {})) {
      const host = server.replace(/^https?:\/\//, "").split("/")[0];
      if (host !== registry && !(registry === "docker.io" && host === "index.docker.io")) continue;
      const { username, password, auth: both } = auth;
      found.push({
        ...(username ? { username } : {}),
        ...(password ? { password } : {}),
        ...(both ? { auth: both } : {}),
      });
    }
  }
  return found.length > 0 ? found : [undefined];
}
