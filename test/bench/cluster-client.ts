// The admin's client of a test cluster, for benches that speak to its API over TLS as any client would.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pkiFiles } from "../../src/app/cluster/pki.ts";
import type { Plan } from "../../src/app/cluster/plan.ts";
import { serviceAccounts } from "../../src/core/api/refs.ts";
import { createHttpClient, type HttpClient } from "../../src/edge/http/mod.ts";
import type { TestCluster } from "../support/cluster.ts";

export interface ClusterClient extends HttpClient {
  plan: Plan;
  /** Asks every 20 ms. */
  until(what: string, limitMs: number, ask: () => Promise<boolean>): Promise<void>;
  /** Pods can be made once it is there. */
  defaultServiceAccount(): Promise<void>;
}

export function clientOf(cluster: TestCluster): ClusterClient {
  const dir = join(cluster.env.PORTOLAN_STATE_DIR!, "clusters", cluster.name);
  const plan = JSON.parse(readFileSync(join(dir, "plan.json"), "utf8")) as Plan;
  const { caCert, admin } = pkiFiles(join(dir, "pki"));
  const client = createHttpClient({
    server: { host: "127.0.0.1", port: plan.cluster.apiServer.port },
    ca: readFileSync(caCert),
    cert: readFileSync(admin.cert),
    key: readFileSync(admin.key),
  });
  async function until(what: string, limitMs: number, ask: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + limitMs;
    while (!(await ask())) {
      if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
  return Object.assign(client, {
    plan,
    until,
    defaultServiceAccount: () =>
      until("the default service account", 10_000, () =>
        client.get(serviceAccounts, "default", { namespace: "default" }).then(
          () => true,
          () => false,
        ),
      ),
  });
}
