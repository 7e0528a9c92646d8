// Whom a token stands for: signed by this cluster, not expired, and what it is bound to still there under the same uid.
import type { KubeObject } from "../../../core/api/types.ts";
import type { Store } from "../../store/mod.ts";
import type { TokenVerifier } from "../auth/mod.ts";
import type { UserInfo } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import type { BoundObject, TokenSigner, VerifiedToken } from "./token-signer.ts";

/** A deleted pod's token goes on working this long, for its last words. */
const leewayMs = 60_000;
const prefix = "authentication.kubernetes.io/";

function userOf(t: VerifiedToken): UserInfo {
  const extra: UserInfo["extra"] = {};
  if (t.id !== "") extra[`${prefix}credential-id`] = [`JTI=${t.id}`];
  for (const kind of ["node", "pod"] as const) {
    const bound = t[kind];
    if (!bound) continue;
    extra[`${prefix}${kind}-name`] = [bound.name];
    extra[`${prefix}${kind}-uid`] = [bound.uid];
  }
  return {
    name: `system:serviceaccount:${t.namespace}:${t.serviceAccount.name}`,
    uid: t.serviceAccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${t.namespace}`, "system:authenticated"],
    extra,
  };
}

/** For TokenReview: the user, and which of the audiences the token is good for. */
export type TokenInspector = (
  token: string,
  audiences: readonly string[],
) => Promise<{ user: UserInfo; audiences: string[] } | undefined>;

export function createTokenInspector(store: Store, signer: TokenSigner, now: () => number): TokenInspector {
  function isThere(key: string, bound: BoundObject): boolean {
    const kv = store.get(key);
    if (!kv) return false;
    const { uid, deletionTimestamp } = (storedObject(kv) as KubeObject).metadata;
    if (uid !== bound.uid) return false;
    return deletionTimestamp === undefined || now() < Date.parse(deletionTimestamp) + leewayMs;
  }

  return async (token, audiences) => {
    const t = await signer.verify(token);
    if (!t) return undefined;
    const common = audiences.filter((a) => t.audiences.includes(a));
    if (common.length === 0) return undefined;
    const root = "/registry/core";
    if (!isThere(`${root}/serviceaccounts/${t.namespace}/${t.serviceAccount.name}`, t.serviceAccount))
      return undefined;
    if (t.pod && !isThere(`${root}/pods/${t.namespace}/${t.pod.name}`, t.pod)) return undefined;
    if (t.secret && !isThere(`${root}/secrets/${t.namespace}/${t.secret.name}`, t.secret)) return undefined;
    if (t.node && !t.pod && !isThere(`${root}/nodes/${t.node.name}`, t.node)) return undefined;
    return { user: userOf(t), audiences: common };
  };
}

export function tokenVerifier(inspect: TokenInspector, issuer: string): TokenVerifier {
  return async (token) => (await inspect(token, [issuer]))?.user;
}
