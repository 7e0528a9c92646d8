// dnsConfig and hostAliases (kubernetes pkg/apis/core/validation validatePodDNSConfig).
import type { FieldError } from "../../../status.ts";
import type { PodSpec } from "../../../types.ts";
import {
  dns1123Subdomain,
  dns1123SubdomainWithUnderscore,
  invalid,
  invalidEach,
  notSupported,
  required,
  validateIP,
} from "../../meta/mod.ts";

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;

export function validateDnsPolicy(policy: string | undefined, path: string): FieldError[] {
  if (!policy) return [required(path)];
  return policies.includes(policy) ? [] : [notSupported(path, policy, policies)];
}

export function validateDnsConfig(spec: PodSpec, path: string): FieldError[] {
  const c = spec.dnsConfig;
  if (spec.dnsPolicy === "None") {
    if (c == null) return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if ((c.nameservers ?? []).length === 0)
      return [
        required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"),
      ];
  }
  if (c == null) return [];
  const errors: FieldError[] = [];
  const servers = c.nameservers ?? [];
  if (servers.length > MAX_NAMESERVERS)
    errors.push(
      invalid(`${path}.nameservers`, servers, `must not have more than ${MAX_NAMESERVERS} nameservers`),
    );
  for (const [i, s] of servers.entries()) errors.push(...validateIP(`${path}.nameservers[${i}]`, s));
  const searches = c.searches ?? [];
  if (searches.length > MAX_SEARCHES)
    errors.push(
      invalid(`${path}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`),
    );
  if (searches.join(" ").length > MAX_SEARCH_CHARACTERS)
    errors.push(
      invalid(
        `${path}.searches`,
        searches,
        `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`,
      ),
    );
  for (const [i, s] of searches.entries()) {
    if (s === ".") continue;
    const name = s.replace(/\.$/, "");
    errors.push(...invalidEach(`${path}.searches[${i}]`, name, dns1123SubdomainWithUnderscore(name)));
  }
  for (const [i, o] of (c.options ?? []).entries())
    if (!o.name) errors.push(required(`${path}.options[${i}]`, "must not be empty"));
  return errors;
}

export function validateHostAliases(aliases: PodSpec["hostAliases"], path: string): FieldError[] {
  return (aliases ?? []).flatMap((a, i) => [
    ...validateIP(`${path}[${i}].ip`, a.ip ?? ""),
    ...(a.hostnames ?? []).flatMap((h, j) =>
      invalidEach(`${path}[${i}].hostnames[${j}]`, h, dns1123Subdomain(h)),
    ),
  ]);
}
