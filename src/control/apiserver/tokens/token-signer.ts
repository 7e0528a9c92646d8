// Service account tokens: JWTs that are bound to an account, and perhaps to a pod, and are good only as long as those are there
// (KEP-1205, kubernetes pkg/serviceaccount).
import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, type JWK, jwtVerify, SignJWT } from "jose";

export interface BoundObject {
  name: string;
  uid: string;
}

export interface TokenClaims {
  namespace: string;
  serviceAccount: BoundObject;
  pod?: BoundObject | undefined;
  node?: BoundObject | undefined;
  secret?: BoundObject | undefined;
}

export interface SignRequest extends TokenClaims {
  audiences: readonly string[];
  /** Seconds since the epoch. */
  issuedAt: number;
  expiresAt: number;
  /** Since when a warning is due, for tokens that live longer than was asked for. */
  warnAfter?: number | undefined;
}

export interface VerifiedToken extends TokenClaims {
  audiences: string[];
  id: string;
}

export interface TokenSigner {
  readonly issuer: string;
  sign(request: SignRequest): Promise<string>;
  /** undefined for anything that this cluster did not sign, or that has expired. */
  verify(token: string): Promise<VerifiedToken | undefined>;
  /** Public keys as /openid/v1/jwks shows them. */
  keys(): Promise<JWK[]>;
}

const algorithm = "ES256";

const isBound = (v: unknown): v is BoundObject =>
  typeof v === "object" &&
  v !== null &&
  typeof (v as BoundObject).name === "string" &&
  typeof (v as BoundObject).uid === "string";

/** PEM keys. `now`: milliseconds since the epoch. */
export async function createTokenSigner(o: {
  publicKey: string;
  privateKey: string;
  issuer: string;
  now: () => number;
}): Promise<TokenSigner> {
  const privateKey: KeyObject = createPrivateKey(o.privateKey);
  const publicKey: KeyObject = createPublicKey(o.publicKey);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    issuer: o.issuer,

    sign(r) {
      const bound = {
        namespace: r.namespace,
        ...(r.node ? { node: r.node } : {}),
        ...(r.pod ? { pod: r.pod } : {}),
        ...(r.secret ? { secret: r.secret } : {}),
        serviceaccount: r.serviceAccount,
        ...(r.warnAfter === undefined ? {} : { warnafter: r.warnAfter }),
      };
      return new SignJWT({ "kubernetes.io": bound })
        .setProtectedHeader({ alg: algorithm, kid })
        .setIssuer(o.issuer)
        .setSubject(`system:serviceaccount:${r.namespace}:${r.serviceAccount.name}`)
        .setAudience([...r.audiences])
        .setIssuedAt(r.issuedAt)
        .setNotBefore(r.issuedAt)
        .setExpirationTime(r.expiresAt)
        .setJti(randomUUID())
        .sign(privateKey);
    },

    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          algorithms: [algorithm],
          issuer: o.issuer,
          currentDate: new Date(o.now()),
        });
        const k = payload["kubernetes.io"] as Record<string, unknown> | undefined;
        if (!k || typeof k.namespace !== "string" || !isBound(k.serviceaccount)) return undefined;
        const audiences = payload.aud === undefined ? [] : [payload.aud].flat();
        return {
          namespace: k.namespace,
          serviceAccount: k.serviceaccount,
          pod: isBound(k.pod) ? k.pod : undefined,
          node: isBound(k.node) ? k.node : undefined,
          secret: isBound(k.secret) ? k.secret : undefined,
          audiences,
          id: payload.jti ?? "",
        };
      } catch {
        return undefined;
      }
    },

    keys: async () => [{ ...jwk, use: "sig", kid, alg: algorithm }],
  };
}
