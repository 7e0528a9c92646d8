// Resource records as data, and what a name resolves to.

export type RecordData =
  | { readonly kind: "A" | "AAAA"; readonly address: string }
  | { readonly kind: "CNAME" | "PTR" | "NS"; readonly target: string }
  | { readonly kind: "SRV"; readonly weight: number; readonly port: number; readonly target: string }
  | { readonly kind: "TXT"; readonly text: string }
  | { readonly kind: "SOA"; readonly zone: string; readonly serial: number };

/** Names are lower case without a final dot. */
export interface ResourceRecord {
  readonly name: string;
  readonly ttl: number;
  readonly data: RecordData;
}

export type Resolution =
  | { readonly kind: "answer"; readonly answers: ResourceRecord[]; readonly additional: ResourceRecord[] }
  /** The name is there, records of the asked type are not. */
  | { readonly kind: "nodata"; readonly zone: string }
  | { readonly kind: "nxdomain"; readonly zone: string }
  /** An ExternalName Service: the chain of CNAMEs, whose end `target` lies outside the cluster. */
  | { readonly kind: "alias"; readonly answers: ResourceRecord[]; readonly target: string }
  /** Not ours: a name for the upstream servers. */
  | { readonly kind: "outside" };
