// Where a node's kubelet server listens, as its Node object says.
import { nodes } from "../../../core/api/refs.ts";
import { failure } from "../../../core/api/status.ts";
import type { Node } from "../../../core/api/types.ts";
import type { KubeClient } from "../../client/mod.ts";

export interface KubeletAddress {
  host: string;
  port: number;
}

const preferred = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "Hostname"];

export function kubeletAddressOf(node: Node): KubeletAddress | undefined {
  const addresses = node.status?.addresses ?? [];
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10250;
  for (const type of preferred) {
    const found = addresses.find((a) => a.type === type && a.address !== "");
    if (found) return { host: found.address, port };
  }
  return undefined;
}

/** Throws the refusal of a missing node, or of one without any address. */
export async function findKubelet(client: KubeClient, nodeName: string): Promise<KubeletAddress> {
  const address = kubeletAddressOf(await client.get(nodes, nodeName));
  if (address) return address;
  throw failure(500, "InternalError", `no preferred addresses found; known addresses: []`);
}
