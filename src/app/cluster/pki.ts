// Writes a cluster's certificates and keys: made once, kept until `down`.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyPairFiles } from "../../core/cluster/config.ts";
import { apiHost, familyPlans, type Plan } from "./plan.ts";

/** Paths of every PEM file below a cluster's pki directory. */
export function pkiFiles(dir: string) {
  const pair = (name: string): KeyPairFiles => ({
    cert: join(dir, `${name}.crt`),
    key: join(dir, `${name}.key`),
  });
  return {
    caCert: join(dir, "ca.crt"),
    caKey: join(dir, "ca.key"),
    serving: pair("apiserver"),
    kubeletClient: pair("apiserver-kubelet-client"),
    admin: pair("admin"),
    serviceAccount: { publicKey: join(dir, "sa.pub"), privateKey: join(dir, "sa.key") },
    nodeClient: (node: string) => pair(`${node}-client`),
    nodeServing: (node: string) => pair(`${node}-serving`),
  };
}

/** Makes everything at once in a directory beside, then moves it into place: an interruption leaves all or nothing. */
export async function createPki(plan: Plan, dir: string): Promise<void> {
  if (existsSync(dir)) return;
  const { createAuthority, createSigningKey } = await import("../../edge/pki/mod.ts");
  const { cluster, nodes } = plan;
  const local = [...new Set(["127.0.0.1", apiHost(plan)])];
  const fresh = `${dir}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  const files = pkiFiles(fresh);
  const save = (file: string, text: string): void =>
    writeFileSync(file, text, { mode: file.endsWith(".key") ? 0o600 : 0o644 });
  const ca = await createAuthority(`portolan-${cluster.name}`);
  save(files.caCert, ca.cert);
  save(files.caKey, ca.key);
  const issue = async (to: KeyPairFiles, options: Parameters<typeof ca.issue>[0]): Promise<void> => {
    const pair = await ca.issue(options);
    save(to.cert, pair.cert);
    save(to.key, pair.key);
  };
  await issue(files.serving, {
    commonName: "kube-apiserver",
    dnsNames: [
      "localhost",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      `kubernetes.default.svc.${cluster.domain}`,
    ],
    addresses: [...local, ...familyPlans(plan).map((f) => f.gateway), cluster.apiServiceAddress],
  });
  await issue(files.kubeletClient, {
    commonName: "kube-apiserver-kubelet-client",
    organizations: ["system:masters"],
  });
  await issue(files.admin, { commonName: "kubernetes-admin", organizations: ["system:masters"] });
  for (const node of nodes) {
    const commonName = `system:node:${node.name}`;
    await issue(files.nodeClient(node.name), { commonName, organizations: ["system:nodes"] });
    await issue(files.nodeServing(node.name), {
      commonName,
      organizations: ["system:nodes"],
      dnsNames: [node.name],
      addresses: [node.address, ...(node.second ? [node.second.address] : []), ...local],
    });
  }
  const signing = await createSigningKey();
  save(files.serviceAccount.publicKey, signing.publicKey);
  save(files.serviceAccount.privateKey, signing.privateKey);
  renameSync(fresh, dir);
}

export const readPem = (file: string): string => readFileSync(file, "utf8");
