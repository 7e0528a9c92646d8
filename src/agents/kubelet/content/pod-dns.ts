// A pod's resolv.conf (core/v1 DNSPolicy and PodDNSConfig) and the name it calls itself.
import type { Pod } from "../../../core/api/types.ts";

export interface ResolvConf {
  servers: string[];
  searches: string[];
  options: string[];
}

/** What the machine's own resolver uses and what the cluster's is. */
export interface DnsFacts {
  host: ResolvConf;
  clusterServer: string;
  domain: string;
}

/** Reads resolv.conf(5): the last `search` line wins, unknown lines are skipped. */
export function parseResolvConf(text: string): ResolvConf {
  const out: ResolvConf = { servers: [], searches: [], options: [] };
  for (const line of text.split("\n")) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (word === "nameserver" && rest[0]) out.servers.push(rest[0]);
    else if (word === "search" || word === "domain")
      out.searches = rest.map((s) => s.replace(/(.)\.$/, "$1"));
    else if (word === "options") out.options.push(...rest);
  }
  return out;
}

const maxServers = 3;
const maxSearches = 32;
const unique = (list: string[]): string[] => [...new Set(list)];

export function podResolvConf(pod: Pod, facts: DnsFacts): ResolvConf {
  const { dnsPolicy = "ClusterFirst", hostNetwork, dnsConfig } = pod.spec!;
  const cluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  let base: ResolvConf;
  if (dnsPolicy === "None") base = { servers: [], searches: [], options: [] };
  else if (cluster) {
    const { domain } = facts;
    const own = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
    base = {
      servers: [facts.clusterServer],
      searches: unique([...own, ...facts.host.searches.filter((s) => s !== ".")]),
      options: ["ndots:5"],
    };
  } else base = facts.host;
  const options = new Map<string, string | undefined>();
  for (const o of base.options) {
    const [name, ...value] = o.split(":");
    options.set(name!, value.length > 0 ? value.join(":") : undefined);
  }
  for (const o of dnsConfig?.options ?? []) if (o.name) options.set(o.name, o.value || undefined);
  return {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]).slice(0, maxServers),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]).slice(0, maxSearches),
    options: [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)),
  };
}

const maxHostname = 63;

/** The host name inside the pod and its domain name ("" where the pod has no subdomain). */
export function podHostname(
  pod: Pod,
  domain: string,
): { hostname: string; fqdn: string; domainName: string } {
  const { hostname, subdomain, setHostnameAsFQDN, hostnameOverride } = pod.spec! as Pod["spec"] & {
    hostnameOverride?: string;
  };
  if (hostnameOverride) return { hostname: hostnameOverride, fqdn: hostnameOverride, domainName: "" };
  let short = hostname || pod.metadata.name!;
  if (!hostname && short.length > maxHostname) short = short.slice(0, maxHostname).replace(/[-.]+$/, "");
  const domainName = subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${domain}` : "";
  const fqdn = domainName ? `${short}.${domainName}` : short;
  return { hostname: setHostnameAsFQDN ? fqdn : short, fqdn, domainName };
}

/** The managed /etc/hosts. A host-network pod gets the machine's own, with its aliases added. */
export function renderHostsFile(
  pod: Pod,
  input: { ips: string[]; hostname: string; domainName: string; hostFile: string },
): string {
  const aliases = pod.spec?.hostAliases ?? [];
  const tail =
    aliases.length === 0
      ? ""
      : `\n# Entries added by HostAliases.\n${aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join("\t")}\n`).join("")}`;
  if (pod.spec?.hostNetwork)
    return `# Kubernetes-managed hosts file (host network).\n${input.hostFile}${tail}`;
  const names = input.domainName
    ? `${input.hostname.split(".")[0]}.${input.domainName}\t${input.hostname.split(".")[0]}`
    : input.hostname;
  return `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
${input.ips.map((ip) => `${ip}\t${names}\n`).join("")}${tail}`;
}
