// The server as a process of its own, with its store on the disk: it can be killed at any moment and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterFacts, KeyPairFiles, ServerConfig } from "../../src/core/cluster/config.ts";
import { createHttpClient, type HttpClient } from "../../src/edge/http/mod.ts";
import { createAuthority, createSigningKey, type PemPair } from "../../src/edge/pki/mod.ts";
import { testCluster } from "./api-server.ts";

export interface ServerProcess {
  /** Starts it (again) and resolves with a client when it is ready. */
  start(): Promise<HttpClient>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

export async function createServerProcess(facts: Partial<ClusterFacts>): Promise<ServerProcess> {
  const dir = mkdtempSync(join(tmpdir(), "portolan-server-"));
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const pair = (name: string, { cert, key }: PemPair): KeyPairFiles => ({
    cert: file(`${name}.crt`, cert),
    key: file(`${name}.key`, key),
  });
  const authority = await createAuthority("test-ca");
  const admin = await authority.issue({ commonName: "admin", organizations: ["system:masters"] });
  const port = await freePort();
  const signing = await createSigningKey();
  const config: ServerConfig = {
    // What `kubernetes.default` leads to; nobody asks there.
    cluster: { ...testCluster, ...facts, apiServer: { host: "172.30.0.1", port } },
    dataDir: dir,
    listen: [{ host: "127.0.0.1", port }],
    pki: {
      caCert: file("ca.crt", authority.cert),
      serving: pair("serving", await authority.issue({ commonName: "apiserver", addresses: ["127.0.0.1"] })),
      kubeletClient: pair("kubelet-client", admin),
      serviceAccount: {
        publicKey: file("sa.pub", signing.publicKey),
        privateKey: file("sa.key", signing.privateKey),
      },
    },
  };
  const configFile = file("server.json", JSON.stringify(config));
  const logFile = join(dir, "server.log");
  let child: ChildProcess | undefined;
  let client: HttpClient | undefined;

  async function kill(): Promise<void> {
    client?.close();
    client = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  return {
    async start() {
      await kill();
      const log = openSync(logFile, "a");
      child = spawn(process.execPath, ["dist/server.js", "--config", configFile], {
        stdio: ["ignore", log, log],
      });
      client = createHttpClient({
        server: { host: "127.0.0.1", port },
        ca: authority.cert,
        cert: admin.cert,
        key: admin.key,
      });
      const namespaces = { group: "", version: "v1", resource: "namespaces", kind: "Namespace" } as const;
      for (const end = Date.now() + 20_000; ; await sleep(20)) {
        try {
          await client.get({ ...namespaces, namespaced: false }, "default");
          return client;
        } catch (error) {
          if (child.exitCode !== null || Date.now() > end)
            throw new Error(`the server does not answer: ${readFileSync(logFile, "utf8").slice(-2000)}`, {
              cause: error,
            });
        }
      }
    },
    kill,
    async close() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
