// An API server of a test's own on a loopback port: in-memory unless a directory is named, with certificates and a kubeconfig.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
  createTokenSigner,
  ensureBootstrapObjects,
  ensureClasses,
} from "../../src/control/apiserver/mod.ts";
import { createMemoryLog, openStore, type Store } from "../../src/control/store/mod.ts";
import { definitions } from "../../src/core/api/kinds/mod.ts";
import type { ClusterFacts, ClusterRanges } from "../../src/core/cluster/config.ts";
import { serveTls } from "../../src/edge/http/server.ts";
import { openLmdbLog } from "../../src/edge/lmdb/mod.ts";
import { createAuthority, type PemPair } from "../../src/edge/pki/mod.ts";
import { testSchema, testSchemaFile } from "./schema.ts";

export interface TestServer {
  api: ApiServer;
  store: Store;
  url: string;
  /** Directory of the test: kubeconfig, PEM files, store. Gone after `close`. */
  dir: string;
  kubeconfig: string;
  ca: string;
  admin: PemPair;
  /** What the server did not expect; empty in a healthy run. */
  unexpected: unknown[];
  /** One request as system:masters (or without a certificate). Objects are sent as JSON. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** A cluster's facts for tests: IPv4 alone. */
export const testCluster: ClusterFacts = {
  name: "test",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/16",
  loadBalancerCIDR: "172.30.200.0/24",
  nodePortRange: { from: 30000, to: 32767 },
  dnsAddress: "10.96.0.10",
  apiServiceAddress: "10.96.0.1",
  apiServer: { host: "172.30.0.1", port: 6443 },
};

const ipv6: ClusterRanges = {
  nodeCIDR: "fd00:172:30::/64",
  podCIDR: "fd00:10:244::/56",
  serviceCIDR: "fd00:10:96::/112",
  loadBalancerCIDR: "fd00:172:30:200::/112",
};

/** IPv6 alone. */
export const testClusterIPv6: ClusterFacts = {
  ...testCluster,
  ...ipv6,
  dnsAddress: "fd00:10:96::a",
  apiServiceAddress: "fd00:10:96::1",
  apiServer: { host: "fd00:172:30::1", port: 6443 },
};

const { nodeCIDR, podCIDR, serviceCIDR, loadBalancerCIDR } = testCluster;

/** Both families, each as the first. */
export const testClusterDual: ClusterFacts = { ...testCluster, second: ipv6 };
export const testClusterDualIPv6: ClusterFacts = {
  ...testClusterIPv6,
  second: { nodeCIDR, podCIDR, serviceCIDR, loadBalancerCIDR },
};

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  anonymous?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary JSON.
  body: any;
}

function newSigningKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}

export async function startTestServer(
  options: {
    lmdb?: boolean;
    bookmarkMs?: number;
    now?: () => number;
    cluster?: ClusterFacts;
    components?: ApiServerOptions["components"];
  } = {},
): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), "portolan-api-"));
  const cluster = options.cluster ?? testCluster;
  const authority = await createAuthority("test-ca");
  const serving = await authority.issue({
    commonName: "apiserver",
    dnsNames: ["localhost"],
    addresses: ["127.0.0.1"],
  });
  const admin = await authority.issue({ commonName: "admin", organizations: ["system:masters"] });
  const store = openStore(
    options.lmdb ? openLmdbLog(join(dir, "store"), { onBroken: () => {} }) : createMemoryLog(),
  );
  const unexpected: unknown[] = [];
  const onError = (error: unknown): void => {
    unexpected.push(error);
    console.error(error);
  };
  const api = createApiServer({
    store,
    schema: await testSchema(),
    definitions,
    cluster,
    tokens: await createTokenSigner({
      ...newSigningKeys(),
      issuer: "https://kubernetes.default.svc.cluster.local",
      now: options.now ?? Date.now,
    }),
    descriptions: () => testSchemaFile("descriptions.json"),
    ...(options.bookmarkMs ? { bookmarkMs: options.bookmarkMs } : {}),
    ...(options.now ? { now: options.now } : {}),
    ...(options.components ? { components: options.components } : {}),
    onError,
  });
  await ensureBootstrapObjects(api.client, cluster, authority.cert);
  await ensureClasses(api.client);
  const listening = await serveTls({
    handle: api.handle,
    upgrade: api.upgrade,
    ...serving,
    clientCa: authority.cert,
    addresses: [{ host: "127.0.0.1", port: 0 }],
    onError,
  });
  const { port } = listening.addresses[0]!;
  const url = `https://127.0.0.1:${port}`;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const kubeconfig = join(dir, "kubeconfig");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "test",
          cluster: { server: url, "certificate-authority-data": base64(authority.cert) },
        },
      ],
      users: [
        {
          name: "admin",
          user: {
            "client-certificate-data": base64(admin.cert),
            "client-key-data": base64(admin.key),
          },
        },
      ],
      contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
      "current-context": "test",
    }),
  );

  function request(method: string, path: string, o: RequestOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const raw = typeof o.body === "string" || Buffer.isBuffer(o.body);
      const body = o.body === undefined ? undefined : raw ? (o.body as Buffer) : JSON.stringify(o.body);
      const req = httpsRequest(
        url + path,
        {
          method,
          ca: authority.cert,
          ...(o.anonymous ? {} : admin),
          headers: {
            ...(body === undefined
              ? {}
              : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
            ...o.headers,
          },
        },
        (res) => {
          const chunks: Buffer[] = [];
          res.on("data", (c: Buffer) => chunks.push(c));
          res.on("error", reject);
          res.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            let json: unknown;
            try {
              json = JSON.parse(text);
            } catch {}
            resolve({ status: res.statusCode!, headers: res.headers, text, body: json });
          });
        },
      );
      req.on("error", reject);
      req.end(body);
    });
  }

  return {
    unexpected,
    api,
    store,
    url,
    dir,
    kubeconfig,
    ca: authority.cert,
    admin,
    request,
    async close() {
      await listening.close(100);
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
